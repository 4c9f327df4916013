package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// envServer makes of the test program a NATS server on that port and folder.
const envServer = "POSTRIDER_TEST_SERVER"

func TestMain(m *testing.M) {
	if port, folder, ok := strings.Cut(os.Getenv(envServer), ":"); ok {
		serveUntilKilled(port, folder)
	}
	os.Exit(m.Run())
}

func serveUntilKilled(port, folder string) {
	n, err := strconv.Atoi(port)
	if err != nil {
		os.Exit(2)
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: n, JetStream: true, StoreDir: folder,
		NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 30})
	if err != nil {
		os.Exit(2)
	}
	srv.Start()
	srv.WaitForShutdown()
}

// mortalServer is a NATS server in a process of its own.
type mortalServer struct {
	t      testing.TB
	port   int
	folder string
	cmd    *exec.Cmd
}

func startMortal(t testing.TB) *mortalServer {
	t.Helper()
	b := jettest.StartBare(t)
	b.Stop()
	s := &mortalServer{t: t, port: b.Opts.Port, folder: b.Opts.StoreDir}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *mortalServer) url() string { return fmt.Sprint("nats://127.0.0.1:", s.port) }

func (s *mortalServer) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), fmt.Sprint(envServer, "=", s.port, ":", s.folder))
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	jettest.Eventually(s.t, func() bool {
		nc, err := nats.Connect(s.url())
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
}

// kill ends it at once, as a power cut would for all it keeps in memory.
func (s *mortalServer) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // "killed"
		s.cmd = nil
	}
}

// A server killed over and over while it fires, and while we recall: nothing is
// lost, and what comes twice shows by its name.
func TestRecallThroughKills(t *testing.T) {
	t.Parallel()
	m := startMortal(t)
	s := openEmbedded(t, externalOptions(m.url()))
	p := newParker(t, s)
	const n, kills = 800, 3
	sink := jettest.NewSink(20 * n)
	startConsuming(t, s, sink)
	w := jettest.NewCountdown(n)
	wake := time.Now().Add(3 * time.Second)
	for i := range n {
		at := wake.Add(time.Duration(i) * time.Millisecond)
		if i%2 == 0 {
			at = at.Add(time.Hour) // comes by being recalled
		}
		p.Park("acme", jettest.EndpointOf(i%20), jettest.ReadyEntry(uint64(i+1), at), w)
		if i%20 == 19 {
			if err := p.Flush(jettest.Context(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Wait(t)
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for i := 0; ctx.Err() == nil; i++ {
			told := jettest.NewCountdown(1)
			p.Recall(jettest.EndpointOf(i%20), 5, transport.Place{}, told)
			select {
			case <-told.C:
			case <-ctx.Done():
			}
		}
	}()
	names, copies := map[uint64]string{}, map[string]map[uint64]bool{}
	for killed := 0; len(names) < n; {
		got := jettest.Receive(t, sink.DueC, fmt.Sprintf("the rest of %d, after %d kills", n-len(names), killed))
		if copies[got.Seg.ID] == nil {
			copies[got.Seg.ID] = map[uint64]bool{}
		}
		copies[got.Seg.ID][got.Seg.Seq] = true
		for _, e := range got.Seg.Entries {
			if was, known := names[e.Event.Seq]; known && was != got.Seg.ID {
				t.Errorf("%d came under two names", e.Event.Seq)
			}
			names[e.Event.Seq] = got.Seg.ID
		}
		got.H.Ack()
		if killed < kills && len(names) > (killed+1)*n/(kills+2) {
			killed++
			m.kill()
			m.start()
			jettest.Eventually(t, func() bool { // what the dead server had handed out comes at once, not after AckWait
				_, err := s.JetStream().ResetConsumer(jettest.Context(t), jet.StreamDeferred, jet.ConsumerName)
				return err == nil
			})
		}
	}
	stop()
	<-asked
	twice := 0
	for _, seqs := range copies {
		if len(seqs) > 1 {
			twice++
		}
	}
	t.Logf("%d of %d segments came twice over %d kills", twice, len(copies), kills)
}

func TestMemoriesThroughKills(t *testing.T) {
	t.Parallel()
	srv := startMortal(t)
	s := openEmbedded(t, externalOptions(srv.url()))
	m := s.Memory.Memories()
	defer jettest.ShutWith(t, m.Close)
	const n = 40
	for round := range 2 {
		w := jettest.NewCountdown(n)
		for i := range n {
			m.Remember(remembered(jettest.EndpointOf(i), 10*round+i+1), w)
			if i == n/2 {
				srv.kill()
				srv.start()
			}
		}
		w.Wait(t)
		srv.kill() // what was told is there
		srv.start()
		jettest.Eventually(t, func() bool { return s.Away() == nil })
		for i, got := range loaded(t, m) {
			if got.Opens <= 10*round || len(i) == 0 {
				t.Errorf("round %d: %s opened %d times", round, i, got.Opens)
			}
		}
		if got := loaded(t, m); len(got) != n {
			t.Errorf("round %d: %d memories", round, len(got))
		}
	}
}
