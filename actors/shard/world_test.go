package shard

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const customer = "acme"

// world is what surrounds a shard under test: receivers, a journal, a parker
// and a graveyard whose durability the test releases, and the consumers'
// handles. It checks at each ack and each record what must always hold.
type world struct {
	t      testing.TB
	shard  *Shard
	system *actors.System
	stop   context.CancelFunc

	mu sync.Mutex
	// answer is what receivers do; nil: they accept at once.
	answer func(ctx context.Context, ep *transport.Endpoint, ev *transport.Event, number int) transport.Answer
	// prepare and observe may panic.
	prepare func(ep *transport.Endpoint) error
	observe func(r *transport.Record)
	closes  int
	flying  map[string]int
	sent    []transport.Pair

	records []transport.Record
	owed    map[turn][]string
	final   map[transport.Pair]string // how the pair ended, durably
	twice   []transport.Pair          // ended more than once
	hop     map[transport.Pair]uint32 // highest durable parking
	skipped map[uint64]bool
	letters []*transport.DeadLetter
	parked  []transport.Segment // one entry each, in order of parking
	nextDue uint64
	lists   []uint64 // what List tells is parked
	routed  map[uint64]int

	holding bool
	writes  []*write
	fatal   []error
	faults  []string
}

// turn is an event, or one replay of it.
type turn struct{ seq, replay uint64 }

// inWorld runs f in a bubble of its own time with a shard and its
// surroundings, and ends them; whatever they left running fails the test.
func inWorld(t *testing.T, o Options, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o)
		defer w.end()
		f(w)
	})
}

func newWorld(t testing.TB, o Options) *world {
	w := &world{
		t: t, flying: map[string]int{}, owed: map[turn][]string{}, final: map[transport.Pair]string{},
		hop: map[transport.Pair]uint32{}, skipped: map[uint64]bool{}, routed: map[uint64]int{}, nextDue: 1000,
	}
	if r := o.Recovered; r != nil {
		for seq, f := range r.FanOuts {
			w.owed[turn{seq: seq}] = f.Endpoints
		}
		for p, st := range r.Pairs {
			w.hop[p] = st.Hop
			if st.Final {
				w.final[p] = "before"
			}
		}
		for seq := range r.Skipped {
			w.skipped[seq] = true
		}
	}
	var err error
	if w.system, err = actors.NewSystem(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	o.System = w.system
	tuning := endpoint.DefaultTuning()
	o.Deps = endpoint.Deps{
		Sender: sender{w}, Journal: journal{w}, Parker: parker{w}, Graveyard: graveyard{w},
		Memories: journal{w}, Teller: journal{w}, Tuning: &tuning, Observer: observer{w},
		Runner: endpoint.NewPool(ctx), Now: time.Now, Context: ctx,
	}
	o.Routed = func(ev *transport.Event, n int) { w.mu.Lock(); w.routed[ev.Seq] = n; w.mu.Unlock() }
	o.Fatal = func(err error) { w.mu.Lock(); w.fatal = append(w.fatal, err); w.mu.Unlock() }
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	w.shard = New(o)
	return w
}

// end stops everything and reports what was seen to be wrong.
func (w *world) end() {
	w.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.shard.Stop(ctx); err != nil {
		w.t.Errorf("stop: %v", err)
	}
	if n := w.system.Live(); n != 0 {
		w.t.Errorf("%d actors live after the stop", n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		w.t.Error(f)
	}
	for _, err := range w.fatal {
		w.t.Errorf("the shard broke: %v", err)
	}
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// The registry.

func makeEndpoint(id string, patterns ...string) *transport.Endpoint {
	if len(patterns) == 0 {
		patterns = []string{">"}
	}
	return &transport.Endpoint{ID: id, Customer: customer, Enabled: true, Events: patterns, Delivery: transport.Delivery{
		Retries: true, Schedule: []transport.Duration{transport.Duration(5 * time.Second), transport.Duration(time.Minute)}, Concurrency: 2,
	}}
}

func (w *world) register(ids ...string) {
	for _, id := range ids {
		w.put(makeEndpoint(id))
	}
}

func (w *world) put(ep *transport.Endpoint) {
	w.shard.Change(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: 1})
}

func (w *world) remove(id string) {
	w.shard.Change(transport.Change{ID: id, Customer: customer})
}

// The log and DEFERRED.

func makeEvent(seq uint64) *transport.Event {
	now := time.Now()
	return &transport.Event{Seq: seq, ID: fmt.Sprint("e", seq), Customer: customer, Type: "door.open", Time: now, Stored: now, Data: []byte(`{}`)}
}

// event gives the shard an event and waits until all is quiet.
func (w *world) event(seq uint64) *handle {
	h := w.give(makeEvent(seq))
	synctest.Wait()
	return h
}

func (w *world) give(ev *transport.Event) *handle {
	h := &handle{w: w, seq: ev.Seq}
	w.shard.Event(ev, h)
	return h
}

// due brings the oldest parked entry back at its time, as JetStream does. The
// time is the bubble's: nobody waits for it.
func (w *world) due() *handle {
	w.mu.Lock()
	seg := w.parked[0]
	w.parked = w.parked[1:]
	w.mu.Unlock()
	time.Sleep(time.Until(seg.Entries[0].Wake()))
	h := w.giveDue(&seg)
	synctest.Wait()
	return h
}

func (w *world) giveDue(seg *transport.Segment) *handle {
	h := &handle{w: w, seq: seg.Seq, due: seg}
	w.shard.Due(seg, h)
	return h
}

// handle is one delivery of a message.
type handle struct {
	w                     *world
	seq                   uint64
	due                   *transport.Segment
	acks, naks, progress_ int
}

func (h *handle) Ack() {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.acks++
	if h.due == nil {
		h.w.checkEvent(h.seq)
		return
	}
	for _, e := range h.due.Entries {
		p := transport.Pair{Seq: e.Event.Seq, Endpoint: h.due.Endpoint, Replay: e.Replay}
		if h.w.final[p] == "" && h.w.hop[p] <= e.Hop {
			h.w.fault("segment %d acked, pair %v has no durable outcome", h.seq, p)
		}
	}
}

func (w *world) checkEvent(seq uint64) {
	if w.skipped[seq] {
		return
	}
	for _, id := range w.owed[turn{seq: seq}] {
		p := transport.Pair{Seq: seq, Endpoint: id}
		if w.final[p] == "" && w.hop[p] == 0 {
			w.fault("event %d acked, pair %v has no durable outcome", seq, p)
		}
	}
	if n, routed := w.routed[seq]; routed && n != len(w.owed[turn{seq: seq}]) {
		w.fault("event %d acked: routed to %d, fan-out record of %d", seq, n, len(w.owed[turn{seq: seq}]))
	}
}

func (h *handle) Nak()        { h.w.mu.Lock(); h.naks++; h.w.mu.Unlock() }
func (h *handle) InProgress() { h.w.mu.Lock(); h.progress_++; h.w.mu.Unlock() }

func (h *handle) state() string {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	if h.acks+h.naks == 0 {
		return "open"
	}
	return map[bool]string{true: "acked", false: "naked"}[h.acks > 0] + map[bool]string{true: "", false: " again"}[h.acks+h.naks == 1]
}

func (h *handle) progress() int { h.w.mu.Lock(); defer h.w.mu.Unlock(); return h.progress_ }

func (h *handle) want(state string) {
	h.w.t.Helper()
	if got := h.state(); got != state {
		h.w.t.Fatalf("message %d is %s, want %s", h.seq, got, state)
	}
}
