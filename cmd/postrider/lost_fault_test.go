package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postrider/postrider/transport"
)

// lossTest is a node whose streams can be set back while all is stopped.
type lossTest struct {
	*testNode
	nats *natsProcess // nil: embedded
	w    *witness
	down atomic.Bool // what /b answers
}

func newLossTest(t *testing.T, external bool) *lossTest {
	l := &lossTest{}
	env := []string{"POSTRIDER_BREAKER_FAILURES=0"}
	if external {
		l.nats = newNATS(t, true)
		env = append(env, "POSTRIDER_NATS_URL="+l.nats.url())
	}
	l.testNode = newTestNode(t, env...)
	l.w = newWitness(t, func(path, _ string, _ int) int {
		if path == "/b" && l.down.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	l.up()
	l.addEndpoint(l.w.url+"/a", "one.>")
	l.addEndpoint(l.w.url+"/b", "one.>", "3s", "3s", "3s", "3s", "3s", "3s", "3s", "3s", "3s", "3s", "3s", "3s")
	return l
}

func (l *lossTest) up() {
	l.t.Helper()
	if l.nats != nil {
		l.nats.start()
	}
	l.start()
}

// stop gives what the node printed.
func (l *lossTest) stop() string {
	l.t.Helper()
	out := l.terminate()
	if l.nats != nil {
		l.nats.kill()
	}
	return out
}

func (l *lossTest) folder(stream string) string {
	l.t.Helper()
	root := l.data()
	if l.nats != nil {
		root = l.nats.options.Dir
	}
	found, err := filepath.Glob(filepath.Join(root, "jetstream", "*", "streams", stream))
	if err != nil || len(found) != 1 {
		l.t.Fatalf("the folder of %s: %v, %v", stream, found, err)
	}
	return found[0]
}

// publish sends events with ids of their own and waits for their deliveries at path.
func (l *lossTest) publish(from, to int, paths ...string) {
	l.t.Helper()
	for i := from; i <= to; i++ {
		if status := l.tryPublishing(fmt.Sprint("event-", i)); status != http.StatusAccepted {
			l.t.Fatalf("event %d: %d", i, status)
		}
	}
	l.arrived(from, to, paths...)
}

func (l *lossTest) arrived(from, to int, paths ...string) {
	l.t.Helper()
	for _, path := range paths {
		l.await(fmt.Sprintf("events %d to %d at %s", from, to, path), func() bool {
			for i := from; i <= to; i++ {
				if l.w.times(fmt.Sprintf("%s event-%d", path, i)) == 0 {
					return false
				}
			}
			return true
		})
	}
}

// lost is what the audit tells of, and whether it adds up.
func (l *lossTest) lost() (streams string, ok bool) {
	l.t.Helper()
	a, _ := l.audit()
	for _, one := range a.Lost {
		streams += fmt.Sprintf("%s %d to %d;", one.Stream, one.From, one.To)
	}
	return streams, a.OK
}

// setBack runs do and puts the stream back to how it was before.
func (l *lossTest) setBack(stream string, do func()) {
	l.t.Helper()
	l.stop()
	copied, now := filepath.Join(l.t.TempDir(), stream), l.folder(stream)
	if err := os.CopyFS(copied, os.DirFS(now)); err != nil {
		l.t.Fatal(err)
	}
	l.up()
	do()
	l.stop()
	if err := os.RemoveAll(now); err != nil {
		l.t.Fatal(err)
	}
	if err := os.CopyFS(now, os.DirFS(copied)); err != nil {
		l.t.Fatal(err)
	}
}

func everyServer(t *testing.T, test func(t *testing.T, l *lossTest)) {
	for name, external := range map[string]bool{"embedded": false, "external": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newLossTest(t, external))
		})
	}
}

// EVENTS set back by 50 events: the next ones are delivered, none takes an old
// one's number and outcome, and the loss is told everywhere, once.
func TestEventsSetBackCostWhatWasInThem(t *testing.T) {
	t.Parallel()
	everyServer(t, func(t *testing.T, l *lossTest) {
		l.publish(1, 10, "/a", "/b")
		l.setBack(transport.StreamEvents, func() {
			l.publish(11, 60, "/a", "/b")
			l.down.Store(true)
			l.publish(61, 62, "/a") // parked for /b: they refer to events that will be gone
			l.await("two to wait", func() bool { _, sum := l.audit(); return sum.Waiting == 2 })
		})
		l.up()
		if lost, ok := l.lost(); lost != "EVENTS 11 to 62;" || ok {
			t.Errorf("the audit tells %q, ok %v", lost, ok)
		}
		l.publish(63, 112, "/a")
		l.down.Store(false)
		l.arrived(63, 112, "/b")
		var receipt struct{ Seq uint64 }
		if _, text := l.call(http.MethodPost, "/v1/events", `{"customer":"acme","type":"one.event","id":"last","data":{}}`, &receipt); receipt.Seq < 113 {
			t.Errorf("the next event is %d: %s", receipt.Seq, text)
		}
		_, metrics := l.get("/metrics")
		if !strings.Contains(string(metrics), `postrider_lost_messages_total{stream="EVENTS"} 52`) {
			t.Error("the metric does not tell of 52 messages")
		}
		out, code := l.run("", "audit")
		if code != exitFailed || !strings.Contains(out, "EVENTS had lost its end, 52 messages (11 to 62)") {
			t.Errorf("audit: exit %d\n%s", code, out)
		}
		out, _ = l.aside("doctor", "--dev", "--data", l.data(), "--server", "http://"+l.http)
		if !strings.Contains(out, "EVENTS had lost its end, 52 messages (11 to 62)") || !strings.Contains(out, "publish these events again") {
			t.Errorf("doctor:\n%s", out)
		}
		if out := l.stop(); !strings.Contains(out, "a stream has lost its end") {
			t.Errorf("the log does not tell:\n%s", out)
		}
		l.up()
		l.publish(114, 115, "/a", "/b")
		if lost, _ := l.lost(); lost != "EVENTS 11 to 62;" {
			t.Errorf("after another start: %q", lost)
		}
		var sum transport.EndpointAudit
		l.await("nothing to wait any more", func() bool { _, sum = l.audit(); return sum.Waiting == 0 })
		if sum.Missing+sum.Unowed+sum.Waiting != 0 || sum.DeadLettered != 2 || sum.Owed != sum.Delivered+2 || sum.Repeated != 0 {
			t.Errorf("%+v", sum)
		}
		if out, _ := l.run("", "deadletter", "list"); strings.Count(out, transport.ReasonEventGone) != 2 {
			t.Errorf("the two that waited for events that are gone:\n%s", out)
		}
		if out := l.stop(); strings.Contains(out, "a stream has lost its end") {
			t.Errorf("it is told again:\n%s", out)
		}
	})
}

// DEFERRED set back while 50 pairs were parked there: they are parked anew.
func TestDeferredSetBackCostsNothing(t *testing.T) {
	t.Parallel()
	everyServer(t, func(t *testing.T, l *lossTest) {
		l.publish(1, 10, "/a", "/b")
		l.setBack(transport.StreamDeferred, func() {
			l.down.Store(true)
			l.publish(11, 60, "/a")
			l.await("50 to be parked", func() bool { _, sum := l.audit(); return sum.Waiting == 50 })
		})
		l.up()
		lost, _ := l.lost()
		if !strings.HasPrefix(lost, "DEFERRED ") || strings.Count(lost, ";") != 1 {
			t.Errorf("the audit tells %q", lost)
		}
		l.down.Store(false)
		l.arrived(11, 60, "/b")
		l.publish(61, 70, "/a", "/b")
		if sum := l.settledAudit(); sum.DeadLettered != 0 || sum.Owed != 140 {
			t.Errorf("%+v", sum)
		}
		for i := 1; i <= 70; i++ {
			if n := l.w.times(fmt.Sprint("/a event-", i)); n != 1 {
				t.Errorf("event %d arrived %d times at /a", i, n)
			}
		}
		l.stop()
	})
}

// ATTEMPTS set back: what it no longer tells is done again, or known by what is
// parked; nothing is lost, and it is told.
func TestAttemptsSetBackLoseNothing(t *testing.T) {
	t.Parallel()
	everyServer(t, func(t *testing.T, l *lossTest) {
		l.publish(1, 10, "/a", "/b")
		l.setBack(transport.StreamAttempts, func() {
			l.down.Store(true)
			l.publish(11, 60, "/a")
			l.await("50 to be parked", func() bool { _, sum := l.audit(); return sum.Waiting == 50 })
		})
		l.up()
		lost, ok := l.lost()
		if !strings.HasPrefix(lost, "ATTEMPTS ") || ok {
			t.Errorf("the audit tells %q, ok %v", lost, ok)
		}
		l.down.Store(false)
		l.publish(61, 110, "/a", "/b")
		l.arrived(11, 60, "/b")
		l.stop()
	})
}
