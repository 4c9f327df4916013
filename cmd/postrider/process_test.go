package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport/porttest"
)

// asPostrider makes this test binary run as postrider itself, so that the
// tests start the real program, race detector included.
const asPostrider = "RUN_AS_POSTRIDER"

func init() {
	if os.Getenv(asPostrider) != "" {
		main()
	}
}

// process is a postrider running as a process of its own.
type process struct {
	cmd  *exec.Cmd
	out  lockedBuffer
	done chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// endsAtOnce is for processes under the race detector, which would sleep for a
// second at their end. What it found is told all the same.
const endsAtOnce = "GORACE=atexit_sleep_ms=0"

// command prepares postrider with args; its settings come from env alone.
func command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{asPostrider + "=1", endsAtOnce, "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir()}, env...)
	return cmd
}

// testNode is a node's folder and addresses, through any number of starts.
type testNode struct {
	t    *testing.T
	dir  string
	http string
	nats string
	env  []string
	proc *process
	// descriptors is the process' limit; 0: this one's.
	descriptors int
}

// hardy are the settings of a node whose receivers fail half of the time and
// more: breakers never open.
var hardy = []string{"POSTRIDER_BREAKER_FAILURES=0"}

func newTestNode(t *testing.T, env ...string) *testNode {
	n := &testNode{t: t, dir: t.TempDir(), http: porttest.Address(t), nats: porttest.Address(t)}
	n.env = append([]string{"POSTRIDER_NATS_LISTEN=" + n.nats, "POSTRIDER_HTTP_LISTEN=" + n.http, "POSTRIDER_LOG_FORMAT=text"}, env...)
	t.Cleanup(func() {
		if n.proc != nil {
			n.kill()
		}
	})
	return n
}

func (n *testNode) data() string { return filepath.Join(n.dir, "postrider-data") }

// start runs serve and returns when it is ready.
func (n *testNode) start(args ...string) {
	n.t.Helper()
	n.launch(args...)
	n.awaitReady()
}

// launch runs serve and returns at once.
func (n *testNode) launch(args ...string) {
	n.t.Helper()
	p := &process{done: make(chan struct{})}
	p.cmd = command(context.Background(), n.dir, n.env, append([]string{"serve", "--dev"}, args...)...)
	if n.descriptors > 0 {
		p.cmd.Args = append([]string{"sh", "-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(n.descriptors)}, append([]string{p.cmd.Path}, p.cmd.Args[1:]...)...)
		p.cmd.Path = "/bin/sh"
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	n.proc = p
}

func (n *testNode) awaitReady() {
	n.t.Helper()
	p := n.proc
	n.await("the node to be ready", func() bool {
		select {
		case <-p.done:
			n.t.Fatalf("the node left:\n%s", p.out.String())
		default:
		}
		status, _ := n.get("/readyz")
		return status == http.StatusOK
	})
}

// awaitLeft waits until the process ended by itself.
func (n *testNode) awaitLeft() {
	n.t.Helper()
	p := n.proc
	n.await("the node to leave", func() bool {
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
}

// kill is kill -9.
func (n *testNode) kill() {
	_ = n.proc.cmd.Process.Kill()
	<-n.proc.done
	n.proc = nil
}

// terminate is SIGTERM; it gives what the process printed.
func (n *testNode) terminate() string {
	n.t.Helper()
	_ = n.proc.cmd.Process.Signal(os.Interrupt)
	select {
	case <-n.proc.done:
	case <-time.After(40 * time.Second):
		n.t.Fatalf("the node did not leave:\n%s", n.proc.out.String())
	}
	out := n.proc.out.String()
	if code := n.proc.cmd.ProcessState.ExitCode(); code != 0 {
		n.t.Errorf("the node left with code %d:\n%s", code, out)
	}
	n.proc = nil
	return out
}

// run carries out another command of postrider against the node, in this
// process: to start one for each would take longer than most commands do.
func (n *testNode) run(stdin string, args ...string) (stdout string, code int) {
	n.t.Helper()
	args = append([]string{"--data", n.data()}, append(args, "--server", "http://"+n.http)...)
	env := []string{"POSTRIDER_NATS_URL=", "HOME=" + n.dir}
	var out, errs bytes.Buffer
	if code = Run(n.t.Context(), args, env, strings.NewReader(stdin), &out, &errs); code != 0 {
		n.t.Logf("postrider %s: exit %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.String(), code
}

// must is run that has to succeed.
func (n *testNode) must(stdin string, args ...string) string {
	n.t.Helper()
	out, code := n.run(stdin, args...)
	if code != 0 {
		n.t.Fatalf("postrider %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

func (n *testNode) token() string {
	b, err := os.ReadFile(filepath.Join(n.data(), node.AdminTokenFile))
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (n *testNode) get(path string) (int, []byte) {
	resp, err := http.Get("http://" + n.http + path)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, b
}

// call makes an API request as the admin; status 0 is a node that is away.
func (n *testNode) call(method, path, body string, out any) (int, string) {
	req, err := http.NewRequest(method, "http://"+n.http+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+n.token())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(b, out); err != nil {
			n.t.Fatalf("%s %s gave %s: %v", method, path, b, err)
		}
	}
	return resp.StatusCode, string(b)
}

// await polls until true; real processes have no other signal to wait for.
func (n *testNode) await(what string, true func() bool) {
	n.t.Helper()
	n.awaitFor(patience, what, true)
}

// patience is when a test gives up: of no meaning for what is tested.
const patience = 3 * time.Minute

// The pauses between two looks double, from pollFirst to pollMost: whoever
// waits long must not keep node and machine busy with being asked.
const (
	pollFirst = 10 * time.Millisecond
	pollMost  = 160 * time.Millisecond
)

func (n *testNode) awaitFor(most time.Duration, what string, true func() bool) {
	n.t.Helper()
	limit := time.After(most)
	for pause := pollFirst; !true(); pause = min(2*pause, pollMost) {
		select {
		case <-time.After(pause):
		case <-limit:
			out := ""
			if n.proc != nil {
				out = n.proc.out.String()
			}
			n.t.Fatalf("waited %s for %s\n%s", most, what, out)
		}
	}
}
