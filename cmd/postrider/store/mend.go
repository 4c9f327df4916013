package store

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deferred"
)

// mendPart is how many pairs are seen to in one go.
const mendPart = 1000

// mend makes good what the streams were found to have lost, before anything is
// pulled. Each step may be done again: what the fill leaves undone, or the mark
// on DEFERRED tells of, is found at the next start.
func (s *Store) mend(ctx context.Context, t Taking, c deferred.Cutter, r *transport.Recovered, state *transport.ShardState) error {
	s.Attempts.Reached(s.tellLost(r, state))
	owed := len(r.Owed)+len(r.Above) > 0 || r.Mark != state.Mark
	if owed {
		if err := s.Deferred.Mark(ctx, transport.MarkMending); err != nil {
			return err
		}
	}
	if err := s.noteLost(ctx, r); err != nil {
		return err
	}
	if owed {
		if err := s.buryMissing(ctx, r.Above); err != nil {
			return fmt.Errorf("giving up what is owed of events that are missing: %w", err)
		}
		if err := s.parkOwed(ctx, t, c, r); err != nil {
			return fmt.Errorf("parking anew what is owed: %w", err)
		}
		if err := s.Deferred.Mark(ctx, r.Mark); err != nil {
			return err
		}
	}
	if err := s.Events.Fill(ctx, r.FillTo); err != nil {
		return err
	}
	for _, l := range r.Lost {
		s.opts.LostTail(l)
	}
	return nil
}

// tellLost logs what was lost, and gives how far the streams have come.
func (s *Store) tellLost(r *transport.Recovered, state *transport.ShardState) transport.Reached {
	reached := state.Reached
	for i := range r.Lost {
		l := &r.Lost[i]
		l.At = s.Now().UTC()
		s.Log().Error("a stream has lost its end; see docs/operations.md", "stream", l.Stream, "from", l.From, "to", l.To, "messages", l.Count())
		switch l.Stream {
		case jet.StreamDeferred:
			reached.Deferred = state.DeferredLast
		case jet.StreamAttempts:
			reached.Journal = 0
		case jet.StreamEvents:
			if !state.ReachedAt.IsZero() {
				reached.EventStored = state.ReachedAt
			}
		}
	}
	return reached
}

// noteLost gives up what is owed of events that are gone, and has the journal
// tell what was lost: after all that it has of those, before any other event
// gets their numbers.
func (s *Store) noteLost(ctx context.Context, r *transport.Recovered) error {
	if err := s.buryGone(ctx, r.Gone); err != nil {
		return fmt.Errorf("giving up what is owed of events that are gone: %w", err)
	}
	if len(r.Lost) == 0 {
		return nil
	}
	var notes []*transport.Record
	for _, l := range r.Lost {
		notes = append(notes, &transport.Record{Kind: transport.Lost, Seq: l.From, To: l.To, Reason: l.Stream, At: l.At})
	}
	return s.Attempts.WriteNow(ctx, notes)
}

func (s *Store) buryGone(ctx context.Context, gone []transport.OwedPair) error {
	if len(gone) == 0 {
		return nil
	}
	s.Log().Error("pairs are given up as "+transport.ReasonEventGone+": they were owed of events that the log has lost", "pairs", len(gone))
	for len(gone) > 0 {
		part := gone[:min(len(gone), mendPart)]
		gone = gone[len(part):]
		g := s.Letters.Graveyard()
		records := make([]*transport.Record, len(part))
		for i := range part {
			p := &part[i]
			g.Bury(&transport.DeadLetter{Customer: p.Customer, Endpoint: p.Endpoint, Reason: transport.ReasonEventGone, At: s.Now(),
				Replay: p.Replay, Tries: p.Tries, Event: goneEvent(p)}, nil)
			records[i] = &transport.Record{Kind: transport.DeadLettered, Seq: p.Seq, Replay: p.Replay, Customer: p.Customer,
				Endpoint: p.Endpoint, EventID: p.EventID, EventType: p.EventType, At: s.Now(), Reason: transport.ReasonEventGone}
		}
		if err := g.Close(ctx); err != nil {
			return err
		}
		if err := s.Attempts.WriteNow(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

// buryMissing gives up what is owed of events that the log does not have.
func (s *Store) buryMissing(ctx context.Context, above []transport.OwedPair) error {
	var gone []transport.OwedPair
	for len(above) > 0 {
		part := above[:min(len(above), mendPart)]
		above = above[len(part):]
		found, err := s.eventsOf(ctx, part)
		if err != nil {
			return err
		}
		for i := range part {
			if found[i] == nil {
				gone = append(gone, part[i])
			}
		}
	}
	return s.buryGone(ctx, gone)
}

// eventsOf are the events of pairs; nil: the log does not have one.
func (s *Store) eventsOf(ctx context.Context, part []transport.OwedPair) ([]*transport.Event, error) {
	refs := make([]transport.Reference, len(part))
	for i := range part {
		refs[i] = transport.Reference{Seq: part[i].Seq, EventMark: part[i].EventMark}
	}
	return s.Events.Find(ctx, refs)
}

// goneEvent is what is known of it: not its data.
func goneEvent(p *transport.OwedPair) *transport.Event {
	return &transport.Event{Seq: p.Seq, ID: p.EventID, Customer: p.Customer, Type: p.EventType, Stored: p.Stored, Time: p.Stored}
}

// parkOwed parks what lies nowhere, due when its next attempt is. What its event
// has lost as well is given up.
func (s *Store) parkOwed(ctx context.Context, t Taking, c deferred.Cutter, r *transport.Recovered) error {
	if len(r.Owed) > 0 {
		s.Log().Warn("what is owed and lies nowhere is parked anew", "pairs", len(r.Owed))
	}
	var gone []transport.OwedPair
	for rest := r.Owed; len(rest) > 0; {
		part := rest[:min(len(rest), mendPart)]
		rest = rest[len(part):]
		anew, lost, err := s.anew(ctx, part)
		if err != nil {
			return err
		}
		if err := s.Deferred.ParkAnew(ctx, t, c, anew); err != nil {
			return err
		}
		gone = append(gone, lost...)
	}
	return s.buryGone(ctx, gone)
}

// anew gives the entries of pairs whose events are there, and the other pairs.
func (s *Store) anew(ctx context.Context, part []transport.OwedPair) (anew []deferred.Anew, gone []transport.OwedPair, err error) {
	found, err := s.eventsOf(ctx, part)
	if err != nil {
		return nil, nil, err
	}
	for i := range part {
		p, ev := &part[i], found[i]
		if ev == nil {
			gone = append(gone, *p)
			continue
		}
		e := transport.Entry{Event: ev, Replay: p.Replay, Tries: p.Tries, Hop: 1, Due: p.Next, At: s.Now()}
		if p.Replay != 0 {
			e.Hop = 2 // not past the actor: it is counted
		}
		if e.Due.After(e.At) {
			e.At = e.Due
		}
		anew = append(anew, deferred.Anew{Customer: ev.Customer, Endpoint: p.Endpoint, Entry: e})
	}
	return anew, gone, nil
}
