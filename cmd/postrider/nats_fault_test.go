package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport/porttest"
)

// asNATS makes this test binary run as a NATS server, by its options in JSON:
// an external server of the very version that is embedded.
const asNATS = "RUN_AS_NATS_SERVER"

func init() {
	if text := os.Getenv(asNATS); text != "" {
		runNATS(text)
	}
}

type natsOptions struct {
	Port      int
	Dir       string
	JetStream bool
}

// runNATS serves until stdin ends, so that it never outlives the test.
func runNATS(text string) {
	var o natsOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: o.Port, NoSigs: true, NoLog: true,
		JetStream: o.JetStream, StoreDir: o.Dir, JetStreamMaxStore: 4 << 30})
	if err != nil {
		panic(err)
	}
	s.Start()
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// natsProcess is a NATS server on a fixed port and folder.
type natsProcess struct {
	t       *testing.T
	options natsOptions
	cmd     *exec.Cmd
}

func newNATS(t *testing.T, jetStream bool) *natsProcess {
	_, port, err := net.SplitHostPort(porttest.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &natsProcess{t: t, options: natsOptions{Dir: t.TempDir(), JetStream: jetStream}}
	if p.options.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *natsProcess) url() string { return "nats://127.0.0.1:" + strconv.Itoa(p.options.Port) }

func (p *natsProcess) start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(p.options)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self)
	p.cmd.Env = []string{asNATS + "=" + string(text), endsAtOnce, "PATH=" + os.Getenv("PATH"), "HOME=" + p.options.Dir}
	p.cmd.Stderr = os.Stderr
	if _, err := p.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *natsProcess) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// natsAway is how long the server is gone.
const natsAway = 3 * time.Second

// A node that is there before its NATS server waits for it and says so. The
// server killed under load, twice, costs nothing that was accepted, and nobody
// has to do anything.
func TestAnExternalNATSServerComesAndGoes(t *testing.T) {
	t.Parallel()
	nats := newNATS(t, true)
	n := newTestNode(t, append(slices.Clone(hardy), "POSTRIDER_NATS_URL="+nats.url())...)
	w := newWitness(t, func(path, id string, nth int) int {
		if path == "/b" && nth == 1 && failuresOf(path, id) == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.launch()
	n.await("/readyz to say that NATS is missing", n.natsIsMissing)
	nats.start()
	n.awaitReady()
	n.addEndpoint(w.url+"/a", ">")
	n.addEndpoint(w.url+"/b", ">", "300ms", "1s", "1s", "1s", "1s")
	load := startLoad(n)
	for range 2 {
		before := w.pairs()
		n.await("1,000 deliveries", func() bool { return w.pairs() > before+1000 })
		w.fault()
		nats.kill()
		killed := time.Now()
		n.await("/readyz to say that NATS is missing", n.natsIsMissing)
		noticed := time.Since(killed)
		refused := load.answers(http.StatusServiceUnavailable)
		n.await("publishing to be answered with 503", func() bool { return load.answers(http.StatusServiceUnavailable) > refused })
		t.Logf("NATS killed: /readyz said so after %s, the first 503 to a publisher after %s", noticed, time.Since(killed))
		time.Sleep(natsAway - time.Since(killed)) // the fault's own timing
		w.fault()
		nats.start()
		started := time.Now()
		n.awaitReady()
		back := time.Since(started)
		before = w.pairs()
		n.await("deliveries to go on", func() bool { return w.pairs() > before+100 })
		t.Logf("NATS is back: ready after %s, 100 deliveries more after %s", back, time.Since(started))
	}
	accepted := load.stop()
	n.await("all that was accepted to arrive", func() bool { return w.missing("/a", accepted)+w.missing("/b", accepted) == 0 })
	sum := n.settledAudit()
	t.Logf("2 kills of NATS: %d events accepted, answers %v, repeated %d; audit: %+v", len(accepted), load.statuses, w.repeated(t), sum)
	n.terminate()
}

func (n *testNode) natsIsMissing() bool {
	status, body := n.get("/readyz")
	return status == http.StatusServiceUnavailable && strings.Contains(string(body), "nats")
}

// A server that can never do is refused at once, in one line that says why.
func TestANATSServerWithoutJetStreamIsRefused(t *testing.T) {
	t.Parallel()
	nats := newNATS(t, false)
	nats.start()
	n := newTestNode(t, "POSTRIDER_NATS_URL="+nats.url())
	n.launch()
	n.awaitLeft()
	out := n.proc.out.String()
	if code := n.proc.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit %d", code)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "JetStream") || !strings.Contains(last, nats.url()) {
		t.Errorf("it said %s", out)
	}
	for _, line := range lines[:len(lines)-1] {
		if !strings.Contains(line, "waiting for NATS") { // the server was not up yet
			t.Errorf("more than one line: %s", line)
		}
	}
}

// NATS is lost in the middle of a node's start, at a random step of it or right
// after: the node begins again, or goes on, by itself.
func TestNATSIsLostDuringTheStart(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 5))
	nats := newNATS(t, true)
	nats.start()
	line := newFrailLine(t, strings.TrimPrefix(nats.url(), "nats://"))
	n := newTestNode(t, "POSTRIDER_NATS_URL=nats://"+line.address)
	w := newWitness(t, always200)
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	n.terminate()
	whole := line.cutAfter(1 << 62)
	n.start()
	n.terminate()
	whole = line.cutAfter(0) - whole
	cut := random.Int64N(whole)
	line.cutAfter(cut)
	n.start()
	n.await("an event to be accepted", func() bool { return n.tryPublishing("after") == http.StatusAccepted })
	n.await("its delivery", func() bool { return w.times("/a after") == 1 })
	t.Logf("seed %d: cut after %d of %d bytes", seed, cut, whole)
	n.terminate()
}

// frailLine passes connections on to a server, and breaks them all once.
type frailLine struct {
	address string
	mu      sync.Mutex
	passed  int64 // bytes to the server so far
	limit   int64 // where the line breaks next
	conns   map[net.Conn]bool
}

func newFrailLine(t *testing.T, to string) *frailLine {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f := &frailLine{address: l.Addr().String(), limit: 1 << 62, conns: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			f.mu.Lock()
			f.conns[c] = true
			f.mu.Unlock()
			go func() { _, _ = io.Copy(c, s); c.Close() }()
			go func() { _, _ = io.Copy(io.MultiWriter(f, s), c); c.Close(); s.Close() }()
		}
	}()
	return f
}

// Write counts what passes, and breaks the line at its limit.
func (f *frailLine) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed += int64(len(b))
	if f.passed < f.limit {
		return len(b), nil
	}
	f.limit = 1 << 62
	for c := range f.conns {
		c.Close()
	}
	clear(f.conns)
	return 0, io.ErrClosedPipe
}

// cutAfter breaks the line after so many bytes more, and gives how many have
// passed so far.
func (f *frailLine) cutAfter(bytes int64) (passed int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = f.passed + bytes
	return f.passed
}
