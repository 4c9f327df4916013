package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)

// event is one that acme's producer gave id, stored at start + at.
func event(seq uint64, id string, at time.Duration) *transport.Event {
	return &transport.Event{Seq: seq, ID: id, IDGiven: id != "", Customer: "acme", Stored: start.Add(at)}
}

// arrived is a sink that keeps what it gets; gate, where set, holds it back.
type arrived struct {
	gate   chan struct{}
	mu     sync.Mutex
	events []*transport.Event
	dues   int
	more   chan struct{}
}

func newArrived() *arrived { return &arrived{more: make(chan struct{}, 1)} }

func (a *arrived) Event(ev *transport.Event, h transport.Handle) {
	if a.gate != nil {
		<-a.gate
	}
	a.mu.Lock()
	a.events = append(a.events, ev)
	a.mu.Unlock()
	h.Ack()
	select {
	case a.more <- struct{}{}:
	default:
	}
}

func (a *arrived) Passed(uint64) {}

func (a *arrived) Due(*transport.Segment, transport.Handle) {
	a.mu.Lock()
	a.dues++
	a.mu.Unlock()
}

// wait returns the first n events that arrived.
func (a *arrived) wait(t testing.TB, n int) []*transport.Event {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		a.mu.Lock()
		events := a.events
		a.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-a.more:
		case <-limit:
			t.Fatalf("%d of %d events arrived", len(events), n)
		}
	}
}

// settled is a handle that counts.
type settled struct {
	mu         sync.Mutex
	acks, naks int
}

func (s *settled) Ack()        { s.mu.Lock(); s.acks++; s.mu.Unlock() }
func (s *settled) Nak()        { s.mu.Lock(); s.naks++; s.mu.Unlock() }
func (s *settled) InProgress() {}

func (s *settled) counts() (acks, naks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acks, s.naks
}

// lines is a log handler whose lines can be waited for.
type lines chan string

func (l lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l lines) WithGroup(string) slog.Handler            { return l }
func (l lines) Handle(_ context.Context, r slog.Record) error {
	l <- fmt.Sprint(r.Level, " ", r.Message)
	return nil
}

func (l lines) wait(t testing.TB, want string) {
	t.Helper()
	select {
	case got := <-l:
		if got != want {
			t.Fatalf("logged %q, want %q", got, want)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("not logged: %q", want)
	}
}

const (
	isAway = "WARN redis is away: event ids are checked against this node's own memory; deliveries go on"
	isBack = "INFO redis is back: event ids are checked there again"
)
