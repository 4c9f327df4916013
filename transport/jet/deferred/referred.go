package deferred

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Referred gives the lowest sequence of the log, from first on, that anything in
// DEFERRED refers to; math.MaxUint64: nothing does. Events below purgeable, which
// are settled, are to be purged: nothing is given a first reference to one of them
// from now on, and a replay of one is parked with its event.
//
// What moves in DEFERRED is stored anew before it is dropped: so the names are
// listed, and then all that was stored since the listing began is read.
func (s *Store) Referred(ctx context.Context, first, purgeable uint64) (low uint64, err error) {
	s.referring.Lock()
	s.purgeable = max(s.purgeable, purgeable)
	s.referring.Unlock()
	if p := s.parker.Load(); p != nil { // what was given one before is in DEFERRED
		if err := p.Flush(ctx); err != nil {
			return 0, fmt.Errorf("looking for what refers to events: %w", err)
		}
	}
	found := lowestReferred{first: first, low: math.MaxUint64}
	if err := s.readNames(ctx, found.take); err != nil {
		return 0, fmt.Errorf("looking for what refers to events: %w", jet.Unavailable(err))
	}
	if !found.unsure {
		return found.low, nil
	}
	seqs, err := s.ReferredTo(ctx, first, min(found.low, purgeable), 1)
	if err != nil || len(seqs) == 0 {
		return found.low, jet.Unavailable(err)
	}
	return seqs[0], nil
}

// lowestReferred finds by names the lowest sequence, from first on, that is
// referred to; unsure: one may refer to such, and does not tell to which.
type lowestReferred struct {
	first, low uint64
	unsure     bool
}

func (l *lowestReferred) take(p *parked) {
	switch last, known := p.Last(); {
	case !p.Refers:
	case p.Low >= l.first:
		l.low = min(l.low, p.Low)
	case !known || last >= l.first:
		l.unsure = true
	}
}

// readNames tells the name of everything that lies in DEFERRED, some perhaps twice.
func (s *Store) readNames(ctx context.Context, each func(*parked)) error {
	take := func(subject string, _ uint64) {
		if p, ok := readParked(subject); ok {
			each(&p)
		}
	}
	last, err := s.conn.LastSequence(ctx, s.shard.Deferred())
	for _, filter := range []string{s.parkFilter(""), s.dueFilter()} {
		if err == nil {
			err = s.conn.SubjectsOf(ctx, s.shard.Deferred(), filter, take)
		}
	}
	if err != nil {
		return err
	}
	return s.conn.Sweep(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: ">", From: last + 1}, func(m *jetstream.RawStreamMsg) error {
		take(m.Subject, 1)
		return nil
	})
}

// ReferredTo are the events from one sequence to below another that anything in
// DEFERRED refers to, in order; of more than most the lowest. Nothing is to be given
// a first reference to any of them meanwhile: see Referred.
func (s *Store) ReferredTo(ctx context.Context, from, below uint64, most int) (seqs []uint64, err error) {
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
		p, ok := readParked(m.Subject)
		if !ok || !p.Refers || p.Low >= below {
			return nil
		}
		seg, err := decodeSegment(m.Data)
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, s.shard.Deferred(), err)
		}
		for i := range seg.Entries {
			if seq := seg.Entries[i].Event.Seq; seq >= from && seq < below {
				seqs = append(seqs, seq)
			}
		}
		if len(seqs) > 4*most {
			seqs = lowest(seqs, most)
		}
		return nil
	})
	return lowest(seqs, most), err
}

// lowest are the lowest of seqs, each once, in order.
func lowest(seqs []uint64, most int) []uint64 {
	slices.Sort(seqs)
	seqs = slices.Compact(seqs)
	return seqs[:min(len(seqs), most)]
}

// find puts the events in the places of the references of a segment.
func (s *Store) find(ctx context.Context, entries []transport.Entry) error {
	var refs []transport.Reference
	for i := range entries {
		if entries[i].Refers {
			refs = append(refs, entries[i].Reference())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := s.opts.Events.Find(ctx, refs)
	if err != nil {
		return err
	}
	for i := range entries {
		if entries[i].Refers {
			entries[i].Found(found[0])
			found = found[1:]
		}
	}
	return nil
}
