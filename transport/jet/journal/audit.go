package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// EventLog is the log whose events are counted.
type EventLog interface {
	// LastEvent is the sequence of the last event that was ever stored.
	LastEvent(ctx context.Context) (uint64, error)
	// EventAt is the first sequence stored at t or later; the one after the last
	// where there is none.
	EventAt(ctx context.Context, t time.Time) (uint64, error)
	// Consumed tells up to which event all are settled, and up to which they
	// were handed out.
	Consumed(ctx context.Context) (settled, handedOut uint64, err error)
}

// Deferred is what waits.
type Deferred interface {
	// Segments calls each for all that wait, or came due and are not settled.
	Segments(ctx context.Context, each func(*transport.Segment) error) error
}

// AuditOptions say what to count, and whom to ask for what is in hand.
type AuditOptions struct {
	// From and To bound the events by when they were stored; zero: all.
	From, To time.Time
	// Customer counts one customer's only; empty: all.
	Customer string
	// Held gives the pairs that the shard has leases for, those being parked
	// or journaled included. nil where no shard runs: then events above the
	// consumer's ack floor count as waiting, since they come again.
	Held func() []transport.Pair
	// Routed is the highest event the shard has taken, eventlog.Consumer.Routed; nil:
	// what the consumer has delivered.
	Routed func() uint64
	// Wait bounds the wait for events up to the cut to be routed; 0: 5 s.
	Wait time.Duration
}

// auditMargin is how much earlier than asked for the journal is read: a clock may
// have been set back meanwhile.
const auditMargin = time.Minute

// Audit counts, at a cut of the log, what was owed and what became of it. It
// is exact while everything goes on: first the cut and what is in hand, then
// what is parked, then the journal to its end. What moves meanwhile moves in
// that direction, so each pair is met at least once, and an outcome wins.
//
// Not OK means a loss: a pair that was owed and is nowhere, an outcome of
// something that was not owed, a hole in the journal, or one of these streams
// that lost its end. Of events whose
// fan-out has aged out of the journal only what is still seen counts. Unrouted
// takes in events that no endpoint wanted, unreadable documents, and what was
// not handed out yet.
func (s *Store) Audit(ctx context.Context, log EventLog, deferred Deferred, o AuditOptions) (*transport.Audit, error) {
	a := newAuditor(s, o)
	a.events, a.deferred = log, deferred
	if err := a.run(ctx); err != nil {
		return nil, fmt.Errorf("audit: %w", jet.Unavailable(err))
	}
	return a.result(), nil
}

func (a *auditor) run(ctx context.Context) error {
	if err := a.bounds(ctx); err != nil {
		return err
	}
	if err := a.awaitRouted(ctx); err != nil {
		return err
	}
	journal, err := a.store.js.Stream(ctx, a.store.shard.Attempts())
	if err != nil {
		return err
	}
	a.journaled = journal.CachedInfo().State.LastSeq
	if err := a.journalStart(ctx, journal.CachedInfo().State); err != nil {
		return err
	}
	if a.opts.Held != nil {
		for _, p := range a.opts.Held() {
			a.held[a.key(p.Seq, p.Endpoint, p.Replay)] = true
		}
	}
	if err := a.readDeferred(ctx); err != nil {
		return err
	}
	since := a.opts.From
	if !since.IsZero() {
		since = since.Add(-auditMargin)
	}
	if err := a.store.readJournal(ctx, since, a.journalMessage, a.record); err != nil {
		return err
	}
	return a.journalEnd(ctx)
}

// journalEnd sees whether the stream's last message is there: nothing takes that
// away but a loss, or its age. One that is replaced meanwhile, a beat, is followed.
func (a *auditor) journalEnd(ctx context.Context) error {
	for last := uint64(0); ; {
		stream, err := a.store.js.Stream(ctx, a.store.shard.Attempts())
		if err != nil {
			return err
		}
		state := stream.CachedInfo().State
		if state.Msgs == 0 {
			return nil
		}
		if state.LastSeq == last {
			a.holes++
			return nil
		}
		last = state.LastSeq
		if _, err := stream.GetMsg(ctx, last); !errors.Is(err, jetstream.ErrMsgNotFound) {
			return err
		}
	}
}

// bounds finds the first and last event that count.
func (a *auditor) bounds(ctx context.Context) (err error) {
	if a.cut, err = a.events.LastEvent(ctx); err != nil {
		return err
	}
	a.first = 1
	if !a.opts.From.IsZero() {
		if a.first, err = a.events.EventAt(ctx, a.opts.From); err != nil {
			return err
		}
	}
	if !a.opts.To.IsZero() {
		after, err := a.events.EventAt(ctx, a.opts.To)
		if err != nil {
			return err
		}
		a.cut = min(a.cut, after-1)
	}
	return nil
}

// journalStart finds the first event whose fan-out must be in the journal.
func (a *auditor) journalStart(ctx context.Context, state jetstream.StreamState) (err error) {
	a.known = 1
	if state.FirstSeq <= 1 {
		return nil
	}
	if state.Msgs == 0 {
		a.known = a.cut + 1
		return nil
	}
	a.known, err = a.events.EventAt(ctx, state.FirstTime)
	return err
}

// awaitRouted waits until the cut has been routed, and notes how far it came.
func (a *auditor) awaitRouted(ctx context.Context) error {
	wait := cmp.Or(a.opts.Wait, 5*time.Second)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		routed, err := a.routedNow(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		a.routed = max(a.routed, routed)
		if a.routed >= a.cut || a.opts.Held == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		}
	}
}

func (a *auditor) routedNow(ctx context.Context) (uint64, error) {
	if a.opts.Held != nil && a.opts.Routed != nil {
		return a.opts.Routed(), nil
	}
	settled, handedOut, err := a.events.Consumed(ctx)
	if a.opts.Held == nil {
		return settled, err
	}
	return handedOut, err
}

func (a *auditor) readDeferred(ctx context.Context) error {
	return a.deferred.Segments(ctx, func(seg *transport.Segment) error {
		if !a.counts(seg.Customer) {
			return nil
		}
		for i := range seg.Entries {
			e := &seg.Entries[i]
			if a.within(e.Event.Seq) {
				a.line(seg.Endpoint, seg.Customer)
				a.parked[a.key(e.Event.Seq, seg.Endpoint, e.Replay)] = true
			}
		}
		return nil
	})
}

func (a *auditor) counts(customer string) bool {
	return a.opts.Customer == "" || a.opts.Customer == customer
}

func (a *auditor) within(seq uint64) bool { return seq >= a.first && seq <= a.cut }

func (a *auditor) result() *transport.Audit {
	a.close()
	out := &transport.Audit{Cut: a.cut, Duplicates: a.duplicates, JournalGaps: a.holes, Lost: a.lost, OK: a.holes == 0}
	for _, l := range a.lost {
		out.OK = out.OK && l.Stream == jet.StreamDeferred
	}
	routed := a.fannedOut + a.skipped
	out.Events = routed
	if first := max(a.first, a.known); a.opts.Customer == "" && a.cut >= first {
		out.Events = max(a.cut-first+1, routed)
	}
	out.Unrouted = out.Events - routed
	for _, line := range a.lines {
		if line.Owed == 0 && line.Unowed == 0 {
			continue
		}
		out.OK = out.OK && line.Missing == 0 && line.Unowed == 0
		out.Endpoints = append(out.Endpoints, *line)
	}
	slices.SortFunc(out.Endpoints, func(x, y transport.EndpointAudit) int {
		return cmp.Or(cmp.Compare(x.Customer, y.Customer), cmp.Compare(x.Endpoint, y.Endpoint))
	})
	return out
}
