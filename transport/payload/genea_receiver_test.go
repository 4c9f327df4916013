package payload_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
	"github.com/postrider/postrider/transport/webhook"
)

// sampleReceiver verifies as Genea's own sample in Node does, over the body
// parsed and written again; 200 or 401. At the end of its input it tells how
// many deliveries, of how many events, were genuine.
const sampleReceiver = `
const { createHmac } = require('node:crypto');
const genuine = new Set();
let refused = 0;
const server = require('node:http').createServer((req, res) => {
  const parts = [];
  req.on('data', part => parts.push(part));
  req.on('end', () => {
    const body = JSON.parse(Buffer.concat(parts).toString('utf8'));
    const want = 'sha1=' + createHmac('sha1', process.argv[1]).update(JSON.stringify(body)).digest('hex');
    const holds = req.headers['x-sequr-signature'] === want;
    if (holds) genuine.add(req.headers['webhook-id']); else refused++;
    res.writeHead(holds ? 200 : 401).end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => { console.log(genuine.size, refused); process.exit(0); }).resume();`

// TestGeneasSampleReceiverAcceptsEverything: varied events of every version,
// sent by HTTP, to the way of verifying that Genea shows its customers.
func TestGeneasSampleReceiverAcceptsEverything(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine: install it to deliver to a receiver such as Genea's")
	}
	const secret = "a secret of enough characters"
	url, finish := startNode(t, node, sampleReceiver, secret)
	sender, err := webhook.NewSender(webhook.Options{Dev: true, UserAgent: "Postrider/test"})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	targets := map[string]*webhook.Target{}
	for _, version := range []string{"v1", "v2", "v3"} {
		ep := &transport.Endpoint{ID: version, Customer: "acme", URL: url, Profile: "genea", Version: version,
			Secrets: transport.Secrets{Current: secret}}
		ep.ApplyDefaults()
		if targets[version], err = sender.Prepare(ep); err != nil {
			t.Fatal(err)
		}
		defer targets[version].Close()
	}
	sendAll(t, targets)
	if got, want := finish(), fmt.Sprint(receiverEvents, " 0"); got != want {
		t.Errorf("genuine events and refused deliveries: %s, want %s", got, want)
	}
}

// sendAll sends receiverEvents, each in a version that covers it.
func sendAll(t *testing.T, targets map[string]*webhook.Target) {
	rng := rand.New(rand.NewPCG(5, 6))
	events := make(chan *transport.Event)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ev := range events {
				version := [...]string{"v3", "v2", "v1"}[ev.Seq%3]
				if !transport.VersionCovers(version, payload.Hardware(ev)) {
					version = "v3"
				}
				if a := targets[version].Send(t.Context(), ev, 1); a.Class != transport.Delivered {
					t.Errorf("%s: %s %d %s", ev.ID, a.Class, a.Status, a.Detail)
				}
			}
		})
	}
	for i := range receiverEvents {
		ev := payload.RandomEnvelope(rng, i)
		ev.Seq = uint64(i)
		events <- ev
	}
	close(events)
	all.Wait()
}

// startNode runs a program that prints its port and serves, and gives its URL;
// finish ends its input and gives the rest of what it prints.
func startNode(t *testing.T, node, program string, args ...string) (url string, finish func() string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, append([]string{"-e", program}, args...)...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	port, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("node printed no port: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port) + "/hook", func() string {
		in.Close()
		rest, err := io.ReadAll(out)
		if failed := cmd.Wait(); err != nil || failed != nil {
			t.Fatalf("%v, %v: %s", err, failed, complaint.String())
		}
		return strings.TrimSpace(string(rest))
	}
}
