package endpoint

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is an actor of the endpoint "ep" with its surroundings. Whatever it
// writes is durable when the test says so.
type fixture struct {
	t        *testing.T
	actor    *Actor
	retained *Retained
	// parked is what lies in DEFERRED as the next actor begins.
	parked transport.Parked
	ref    *actors.Ref
	stop   context.CancelFunc

	mu      sync.Mutex
	prepare func(*transport.Endpoint) error
	answer  func(context.Context, *transport.Event, int) transport.Answer
	targets []*receiver
	written []string
	waiters []transport.Waiter
	waiting []string // what the waiters wait for
	ends    map[uint64][]End
	handed  uint64
	broke   []*actors.Panic
	letters []*transport.DeadLetter
	entries []transport.Entry
	records []transport.Record

	told      func([]ParkedPair)
	forgetful bool // what is remembered takes its time
	slow      bool // so does what was journaled before
	memories  []transport.Remembered
	news      []transport.News
	system    *actors.System
	deps      Deps
}

type receiver struct {
	*fixture
	ep     *transport.Endpoint
	closed int
	sent   []uint64
}

// withActor runs f in a bubble of its own time with the actor of ep.
func withActor(t *testing.T, ep *transport.Endpoint, f func(h *fixture)) {
	t.Helper()
	withActorPreparing(t, ep, nil, f)
}

func withActorPreparing(t *testing.T, ep *transport.Endpoint, prepare func(*transport.Endpoint) error, f func(h *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		system, err := actors.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		h := &fixture{t: t, stop: cancel, system: system, ends: map[uint64][]End{}, prepare: prepare}
		tuning := DefaultTuning()
		h.retained = NewRetained(transport.Memory{}, time.Time{})
		h.deps = Deps{Sender: h, Journal: h, Parker: h, Graveyard: h, Memories: h, Teller: h,
			Observer: h, Runner: NewPool(ctx), Tuning: &tuning, Now: time.Now, Context: ctx}
		h.begin(ep)
		defer func() {
			cancel()
			h.quit()
			for i, r := range h.targets {
				if r.closed != 1 {
					t.Errorf("target %d closed %d times", i, r.closed)
				}
			}
			for seq, ends := range h.ends {
				if len(ends) != 1 {
					t.Errorf("lease %d ended %v", seq, ends)
				}
			}
		}()
		f(h)
	})
}

func (h *fixture) begin(ep *transport.Endpoint) {
	h.actor = NewActor(ep, h.retained, h.parked, h.deps)
	h.ref = h.system.Spawn("endpoint", h.actor, func(p *actors.Panic) { h.broke = append(h.broke, p) })
	h.actor.Bind(h.ref)
	synctest.Wait()
}

func (h *fixture) quit() {
	h.ref.Send(Quit{})
	if err := h.ref.Stop(context.Background()); err != nil {
		h.t.Error(err)
	}
}

// next ends the actor and begins another, of ep, that goes on from what was retained.
func (h *fixture) next(ep *transport.Endpoint) {
	h.quit()
	h.retained.Ended(time.Now())
	h.parked = h.actor.inDeferred()
	h.begin(ep)
}

// back has an entry come back from DEFERRED.
func (h *fixture) back(e *transport.Entry) {
	moved := ParkedChange{Entries: -1, Bytes: -int64(e.Event.Size())}
	if e.Due.IsZero() {
		moved.Ready = -1
	}
	h.send(moved)
}

func plain() *transport.Endpoint {
	return &transport.Endpoint{ID: "ep", Customer: "acme", Enabled: true, Delivery: transport.Delivery{
		Retries: true, Schedule: []transport.Duration{transport.Duration(5 * time.Second)}, Concurrency: 1,
	}}
}

func (h *fixture) Prepare(ep *transport.Endpoint) (Target, error) {
	if h.prepare != nil {
		if err := h.prepare(ep); err != nil {
			return nil, err
		}
	}
	r := &receiver{fixture: h, ep: ep}
	h.targets = append(h.targets, r)
	return r, nil
}

func (r *receiver) Close() { r.closed++ }

func (r *receiver) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	r.mu.Lock()
	r.sent = append(r.sent, ev.Seq)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		return transport.Answer{Class: transport.Delivered, Status: 200}
	}
	return answer(ctx, ev, number)
}

func (h *fixture) wrote(w transport.Waiter, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what := fmt.Sprintf(format, args...)
	h.written = append(h.written, what)
	if w != nil {
		h.waiters, h.waiting = append(h.waiters, w), append(h.waiting, what)
	}
}

func (h *fixture) Append(r *transport.Record, w transport.Waiter) {
	h.records = append(h.records, *r)
	h.wrote(w, "%s %d", [...]string{"", "fan-out", "tried", "skipped", "buried"}[r.Kind], r.Seq)
}

func (h *fixture) Park(customer, id string, e transport.Entry, w transport.Waiter) {
	h.entries = append(h.entries, e)
	h.wrote(w, "park %d", e.Event.Seq)
}

func (h *fixture) Bury(d *transport.DeadLetter, w transport.Waiter) {
	h.letters = append(h.letters, d)
	h.wrote(w, "letter %d", d.Event.Seq)
}

func (h *fixture) Record(*transport.Record) {}

// After is told at once, unless the test makes that durable too.
func (h *fixture) After(w transport.Waiter) {
	if h.slow {
		h.wrote(w, "all before")
		return
	}
	w.Done()
}

func (h *fixture) Recall(id string, n int, _ transport.Place, w transport.Waiter) {
	h.wrote(nil, "recall %d", n)
	w.Done()
}

func (h *fixture) List(id string, got func([]ParkedPair)) {
	h.told = func(all []ParkedPair) { got(all); synctest.Wait() }
}

func (h *fixture) Remember(r transport.Remembered, w transport.Waiter) {
	h.memories = append(h.memories, r)
	if h.forgetful {
		h.wrote(w, "remember")
		return
	}
	w.Done()
}

func (h *fixture) Tell(n transport.News) { h.news = append(h.news, n) }

// durable makes the i-th write that is not yet durable so.
func (h *fixture) durable(i int) {
	h.mu.Lock()
	w := h.waiters[i]
	h.waiters, h.waiting = slices.Delete(h.waiters, i, i+1), slices.Delete(h.waiting, i, i+1)
	h.mu.Unlock()
	w.Done()
	synctest.Wait()
}

func (h *fixture) Ended(l *Lease, how End) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends[l.Seq] = append(h.ends[l.Seq], how)
}

// lease hands an event over and waits until all is quiet.
func (h *fixture) lease(seq uint64) *Lease {
	h.handed++
	l := &Lease{
		Number: h.handed,
		Pair:   transport.Pair{Seq: seq, Endpoint: "ep"},
		Event:  &transport.Event{Seq: seq, ID: fmt.Sprint("e", seq), Customer: "acme", Time: time.Now()}, Owner: h,
	}
	h.send(l)
	return l
}

func (h *fixture) send(msg any) { h.ref.Send(msg); synctest.Wait() }

func (h *fixture) change(ep *transport.Endpoint) {
	taken := make(chan struct{})
	h.ref.Send(Change{Endpoint: ep, InEffect: taken})
	<-taken
	synctest.Wait()
}

// end tells how lease seq ended, 0 while it has not.
func (h *fixture) end(seq uint64) End {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ends[seq]) == 0 {
		return 0
	}
	return h.ends[seq][0]
}

func (h *fixture) wantEnd(seq uint64, want End) {
	h.t.Helper()
	if got := h.end(seq); got != want {
		h.t.Fatalf("lease %d: %d, want %d", seq, got, want)
	}
}

func (h *fixture) answers(a transport.Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = func(context.Context, *transport.Event, int) transport.Answer { return a }
}

// hangs makes attempts wait for gate, or for the end of their context.
func (h *fixture) hangs() (gate chan transport.Answer) {
	gate = make(chan transport.Answer)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = func(ctx context.Context, _ *transport.Event, _ int) transport.Answer {
		select {
		case a := <-gate:
			return a
		case <-ctx.Done():
			return transport.Answer{Class: transport.Aborted}
		}
	}
	return gate
}
