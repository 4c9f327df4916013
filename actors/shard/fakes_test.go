package shard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
	routed  map[uint64]int

	holding bool
	writes  []func()
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
		for seq, ids := range r.FanOuts {
			w.owed[turn{seq: seq}] = ids
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
	o.Deps = endpoint.Deps{
		Sender: sender{w}, Journal: journal{w}, Parker: parker{w}, Graveyard: graveyard{w}, Observer: observer{w},
		Now: time.Now, Context: ctx,
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
	time.Sleep(time.Until(seg.Entries[0].Due))
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

// The fakes.

type (
	sender    struct{ w *world }
	journal   struct{ w *world }
	parker    struct{ w *world }
	graveyard struct{ w *world }
	observer  struct{ w *world }
	target    struct {
		w  *world
		ep *transport.Endpoint
	}
)

func (s sender) Prepare(ep *transport.Endpoint) (endpoint.Target, error) {
	s.w.mu.Lock()
	prepare := s.w.prepare
	s.w.mu.Unlock()
	if prepare != nil {
		if err := prepare(ep); err != nil {
			return nil, err
		}
	}
	return target{s.w, ep}, nil
}

func (t target) Close() { t.w.mu.Lock(); t.w.closes++; t.w.mu.Unlock() }

func (t target) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	t.w.mu.Lock()
	t.w.sent = append(t.w.sent, transport.Pair{Seq: ev.Seq, Endpoint: t.ep.ID})
	t.w.flying[t.ep.ID]++
	if n := t.w.flying[t.ep.ID]; n > t.ep.Delivery.Concurrency && t.w.observe == nil {
		t.w.fault("%d in flight at %s, it takes %d", n, t.ep.ID, t.ep.Delivery.Concurrency)
	}
	answer := t.w.answer
	t.w.mu.Unlock()
	defer func() { t.w.mu.Lock(); t.w.flying[t.ep.ID]--; t.w.mu.Unlock() }()
	if answer == nil {
		return accepted
	}
	return answer(ctx, t.ep, ev, number)
}

func (o observer) Record(r *transport.Record) {
	o.w.mu.Lock()
	observe := o.w.observe
	o.w.mu.Unlock()
	if observe != nil {
		observe(r)
	}
}

func (j journal) Append(r *transport.Record, wt transport.Waiter) {
	w, rec := j.w, *r
	w.mu.Lock()
	w.records = append(w.records, rec)
	p := transport.Pair{Seq: rec.Seq, Endpoint: rec.Endpoint, Replay: rec.Replay}
	switch {
	case rec.Kind == transport.FanOut:
		w.owed[turn{rec.Seq, rec.Replay}] = rec.Endpoints
	case rec.Endpoint != "" && !slices.Contains(w.owed[turn{rec.Seq, rec.Replay}], rec.Endpoint):
		w.fault("record of %v before a fan-out that names it", p)
	}
	w.mu.Unlock()
	w.write(wt, func() {
		switch {
		case rec.Endpoint == "" && rec.Final():
			w.skipped[rec.Seq] = true
		case rec.Final():
			if w.final[p] != "" {
				w.twice = append(w.twice, p)
			}
			w.final[p] = kindWord(rec.Kind) + rec.Reason
		}
	})
}

func (p parker) Park(cust, id string, e transport.Entry, wt transport.Waiter) {
	e.Tries = slices.Clone(e.Tries)
	p.w.write(wt, func() {
		pair := transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay}
		p.w.hop[pair] = max(p.w.hop[pair], e.Hop)
		p.w.nextDue++
		p.w.parked = append(p.w.parked, transport.Segment{Seq: p.w.nextDue, Customer: cust, Endpoint: id, Entries: []transport.Entry{e}})
	})
}

func (g graveyard) Bury(d *transport.DeadLetter, wt transport.Waiter) {
	g.w.write(wt, func() { g.w.letters = append(g.w.letters, d) })
}

// write makes something durable: at once, or when the test lets it.
func (w *world) write(wt transport.Waiter, keep func()) {
	durable := func() {
		w.mu.Lock()
		keep()
		w.mu.Unlock()
		if wt != nil {
			wt.Done()
		}
	}
	w.mu.Lock()
	if w.holding {
		w.writes = append(w.writes, durable)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	durable()
}

// hold keeps writes from being durable.
func (w *world) hold() { w.mu.Lock(); w.holding = true; w.mu.Unlock() }

// flush makes n held writes durable, the one at index pick(left) first, and
// waits until all is quiet.
func (w *world) flush(n int, pick func(left int) int) {
	for ; n > 0; n-- {
		w.mu.Lock()
		if len(w.writes) == 0 {
			w.mu.Unlock()
			return
		}
		i := pick(len(w.writes))
		durable := w.writes[i]
		w.writes = slices.Delete(w.writes, i, i+1)
		w.mu.Unlock()
		durable()
		synctest.Wait()
	}
}

func oldest(int) int        { return 0 }
func newest(n int) int      { return n - 1 }
func (w *world) open()      { w.mu.Lock(); w.holding = false; w.mu.Unlock(); w.flush(1<<30, oldest) }
func (w *world) calm()      { synctest.Wait() }
func (w *world) tries() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.sent) }

// receivers sets what they answer.
func (w *world) receivers(f func(ctx context.Context, ep *transport.Endpoint, ev *transport.Event, number int) transport.Answer) {
	w.mu.Lock()
	w.answer = f
	w.mu.Unlock()
}

func (w *world) ended(seq uint64, id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.final[transport.Pair{Seq: seq, Endpoint: id}]
}

func (w *world) wantEnd(seq uint64, id, end string) {
	w.t.Helper()
	if got := w.ended(seq, id); got != end {
		w.t.Fatalf("event %d at %s ended %q, want %q", seq, id, got, end)
	}
}

// kinds tells the journal's records of one event, in short.
func (w *world) kinds(seq uint64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, r := range w.records {
		if r.Seq == seq {
			all = append(all, kindWord(r.Kind)+r.Reason)
		}
	}
	return all
}

var (
	accepted   = transport.Answer{Class: transport.Delivered, Status: 200}
	failed     = transport.Answer{Class: transport.Failed, Status: 500, Reason: "status"}
	errPrepare = errors.New("no such secret")
)

func kindWord(k transport.Kind) string {
	return [...]string{"", "fan-out", "tried", "skipped ", "buried "}[k]
}

// hang answers when ctx ends or gate is closed.
func hang(ctx context.Context, gate chan struct{}) transport.Answer {
	select {
	case <-gate:
		return accepted
	case <-ctx.Done():
		return transport.Answer{Class: transport.Aborted}
	}
}
