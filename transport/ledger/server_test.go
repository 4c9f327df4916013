package ledger

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

// server is a real redis-server of the test's own.
type server struct {
	t    testing.TB
	port string
	args []string
	cmd  *exec.Cmd
	log  chan struct{} // closed when its output has ended
}

// startServer runs redis-server on a free loopback port, in a folder of its own.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is missing: `make test` installs it")
	}
	s := &server{t: t, port: freePort(t)}
	s.args = append([]string{"--bind", "127.0.0.1", "--port", s.port, "--dir", t.TempDir(),
		"--save", "", "--appendonly", "yes", "--appendfsync", "always"}, args...)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	return strconv.Itoa(porttest.Take(t))
}

func (s *server) url() string { return "redis://127.0.0.1:" + s.port }

// start returns when the server takes connections.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	s.log = ended
	go func() {
		defer close(ended)
		waiting := true
		for in := bufio.NewScanner(out); in.Scan(); {
			if waiting && strings.Contains(in.Text(), "Ready to accept connections") {
				close(ready)
				waiting = false
			}
		}
	}()
	select {
	case <-ready:
	case <-ended:
		s.t.Fatalf("redis-server ended at once: %v", s.cmd.Wait())
	case <-time.After(2 * time.Minute):
		s.t.Fatal("redis-server does not start")
	}
}

// kill ends the server as a power cut would (SIGKILL).
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.log
	_ = s.cmd.Wait()
	s.cmd = nil
}
