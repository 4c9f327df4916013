package shard

import (
	"context"
	"errors"
	"slices"
	"testing/synctest"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

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
	w.writeJournal(wt, func() {
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
	p.w.write(toldByJournal{p.w, wt}, func() {
		pair := transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay}
		p.w.hop[pair] = max(p.w.hop[pair], e.Hop)
		p.w.nextDue++
		p.w.parked = append(p.w.parked, transport.Segment{Seq: p.w.nextDue, Customer: cust, Endpoint: id, Entries: []transport.Entry{e}})
	})
}

func (p parker) Recall(string, int, transport.Place, transport.Waiter) {}

// List tells of the pairs that the test names.
func (p parker) List(_ string, got func([]endpoint.ParkedPair)) {
	var all []endpoint.ParkedPair
	for _, seq := range p.w.lists {
		all = append(all, endpoint.ParkedPair{Place: transport.Place{Seq: seq}})
	}
	got(all)
}

func (j journal) After(wt transport.Waiter) { j.w.writeJournal(wt, func() {}) }

// Remember is durable at once, and Tell heard by nobody.
func (j journal) Remember(_ transport.Remembered, wt transport.Waiter) { wt.Done() }
func (j journal) Tell(transport.News)                                  {}

func (g graveyard) Bury(d *transport.DeadLetter, wt transport.Waiter) {
	g.w.write(wt, func() { g.w.letters = append(g.w.letters, d) })
}

// write is one that is not durable yet.
type write struct {
	journal bool // those keep their order
	keep    func()
	waiters []transport.Waiter
}

// write makes something durable: at once, or when the test lets it.
func (w *world) write(wt transport.Waiter, keep func()) { w.begin(&write{keep: keep}, wt) }

// writeJournal does so with a record, or with what is told in its place.
func (w *world) writeJournal(wt transport.Waiter, keep func()) {
	w.begin(&write{journal: true, keep: keep}, wt)
}

func (w *world) begin(wr *write, wt transport.Waiter) {
	if wt != nil {
		wr.waiters = []transport.Waiter{wt}
	}
	w.mu.Lock()
	if w.holding {
		w.writes = append(w.writes, wr)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	w.done(wr)
}

func (w *world) done(wr *write) {
	w.mu.Lock()
	wr.keep()
	w.mu.Unlock()
	for _, wt := range wr.waiters {
		wt.Done()
	}
}

// toldByJournal waits for the journal as it is now.
type toldByJournal struct {
	w  *world
	wt transport.Waiter
}

func (t toldByJournal) Done() {
	t.w.mu.Lock()
	for _, wr := range slices.Backward(t.w.writes) {
		if wr.journal {
			wr.waiters = append(wr.waiters, t.wt)
			t.w.mu.Unlock()
			return
		}
	}
	t.w.mu.Unlock()
	t.wt.Done()
}

// hold keeps writes from being durable.
func (w *world) hold() { w.mu.Lock(); w.holding = true; w.mu.Unlock() }

// flush makes n held writes durable, the one at index pick(left) first, or the
// journal's oldest in place of another of the journal's, and waits until all is
// quiet.
func (w *world) flush(n int, pick func(left int) int) {
	for ; n > 0; n-- {
		w.mu.Lock()
		if len(w.writes) == 0 {
			w.mu.Unlock()
			return
		}
		i := pick(len(w.writes))
		if w.writes[i].journal {
			i = slices.IndexFunc(w.writes, func(wr *write) bool { return wr.journal })
		}
		wr := w.writes[i]
		w.writes = slices.Delete(w.writes, i, i+1)
		w.mu.Unlock()
		w.done(wr)
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

// sweep has the shard sweep now.
func (w *world) sweep() {
	for range sweepEvery {
		w.shard.Tick()
	}
}
