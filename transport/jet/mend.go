package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

const (
	// metaMending in the metadata of DEFERRED tells that what is owed is being
	// parked anew, until that is done.
	metaMending = "postrider-mending"
	// fillBatch is how many messages fill EVENTS up in one go.
	fillBatch = 1000
	// mendPart is how many pairs are seen to in one go.
	mendPart = 1000
)

// mend makes good what the streams were found to have lost, before anything is
// pulled. Each step may be done again: what the fill leaves undone, or the mark
// on DEFERRED tells of, is found at the next start.
func (s *Store) mend(ctx context.Context, t Taking, c Cutter, r *transport.Recovered, state *transport.ShardState) error {
	reached := state.Reached
	for i := range r.Lost {
		l := &r.Lost[i]
		l.At = s.now().UTC()
		s.log.Error("a stream has lost its end; see docs/operations.md", "stream", l.Stream, "from", l.From, "to", l.To, "messages", l.Count())
		switch l.Stream {
		case StreamDeferred:
			reached.Deferred = state.DeferredLast
		case StreamAttempts:
			reached.Journal = 0
		case StreamEvents:
			if !state.ReachedAt.IsZero() {
				reached.EventStored = state.ReachedAt
			}
		}
	}
	s.reached.set(reached)
	owed := len(r.Owed) > 0 || state.Mending
	if owed {
		if err := s.markMending(ctx, "?"); err != nil {
			return err
		}
	}
	if err := s.noteLost(ctx, r); err != nil {
		return err
	}
	if owed {
		if err := s.parkOwed(ctx, t, c, r); err != nil {
			return fmt.Errorf("parking anew what is owed: %w", err)
		}
		if err := s.markMending(ctx, ""); err != nil {
			return err
		}
	}
	if err := s.fill(ctx, r); err != nil {
		return fmt.Errorf("filling %s up to %d: %w", StreamEvents, r.FillTo, err)
	}
	for _, l := range r.Lost {
		s.opts.LostTail(l)
	}
	return nil
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
	return s.journalNow(ctx, notes)
}

func (s *Store) buryGone(ctx context.Context, gone []transport.OwedPair) error {
	if len(gone) == 0 {
		return nil
	}
	s.log.Error("pairs are given up as "+transport.ReasonEventGone+": they were owed of events that the log has lost", "pairs", len(gone))
	for len(gone) > 0 {
		part := gone[:min(len(gone), mendPart)]
		gone = gone[len(part):]
		g := s.Graveyard()
		records := make([]*transport.Record, len(part))
		for i := range part {
			p := &part[i]
			g.Bury(&transport.DeadLetter{Customer: p.Customer, Endpoint: p.Endpoint, Reason: transport.ReasonEventGone, At: s.now(),
				Replay: p.Replay, Tries: p.Tries, Event: goneEvent(p)}, nil)
			records[i] = &transport.Record{Kind: transport.DeadLettered, Seq: p.Seq, Replay: p.Replay, Customer: p.Customer,
				Endpoint: p.Endpoint, EventID: p.EventID, EventType: p.EventType, At: s.now(), Reason: transport.ReasonEventGone}
		}
		if err := g.Close(ctx); err != nil {
			return err
		}
		if err := s.journalNow(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

// goneEvent is what is known of it: not its data.
func goneEvent(p *transport.OwedPair) *transport.Event {
	return &transport.Event{Seq: p.Seq, ID: p.EventID, Customer: p.Customer, Type: p.EventType, Stored: p.Stored, Time: p.Stored}
}

// journalNow writes one message of the journal, where no Journal is open.
func (s *Store) journalNow(ctx context.Context, records []*transport.Record) error {
	b := []byte{journalVersion}
	for _, r := range records {
		b = appendPart(b, r, r.Endpoints, 0)
	}
	ack, err := s.js.PublishMsg(ctx, s.journalMsg(b))
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	s.reached.journaled(ack.Sequence)
	return s.noteJournal(ctx, ack.Sequence)
}

func (s *Store) markMending(ctx context.Context, mark string) error {
	stream, err := s.js.Stream(ctx, StreamDeferred)
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	if config.Metadata[metaMending] = mark; mark == "" {
		delete(config.Metadata, metaMending)
	}
	if _, err := s.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("stream %s: %w", StreamDeferred, err)
	}
	return nil
}

// parkOwed parks what lies nowhere, due when its next attempt is. What its event
// has lost as well is given up.
func (s *Store) parkOwed(ctx context.Context, t Taking, c Cutter, r *transport.Recovered) error {
	s.log.Warn("what is owed and lies nowhere is parked anew", "pairs", len(r.Owed))
	var gone []transport.OwedPair
	for rest := r.Owed; len(rest) > 0; {
		part := rest[:min(len(rest), mendPart)]
		rest = rest[len(part):]
		lost, err := s.parkPart(ctx, t, c, part)
		if err != nil {
			return err
		}
		gone = append(gone, lost...)
	}
	return s.buryGone(ctx, gone)
}

func (s *Store) parkPart(ctx context.Context, t Taking, c Cutter, part []transport.OwedPair) (gone []transport.OwedPair, err error) {
	items := map[string][]item{} // by endpoint
	var endpoints []string
	customers := map[string]string{}
	var ev *transport.Event
	for i := range part {
		p := &part[i]
		if ev == nil || ev.Seq != p.Seq {
			if ev, err = s.Event(ctx, p.Seq); err != nil && !errors.Is(err, transport.ErrNotFound) {
				return nil, err
			}
		}
		if ev == nil || !p.Fits(ev) {
			gone = append(gone, *p)
			continue
		}
		if items[p.Endpoint] == nil {
			endpoints = append(endpoints, p.Endpoint)
		}
		e := transport.Entry{Event: ev, Replay: p.Replay, Tries: p.Tries, Hop: 1, Due: p.Next, At: s.now()}
		if p.Replay != 0 {
			e.Hop = 2 // not past the actor: it is counted
		}
		if e.Due.After(e.At) {
			e.At = e.Due
		}
		items[p.Endpoint], customers[p.Endpoint] = append(items[p.Endpoint], s.encodeItem(&e)), ev.Customer
	}
	out := s.newOutbox("parking anew")
	out.told = s.reached.tell
	for _, endpoint := range endpoints {
		entries := make([]transport.Parking, len(items[endpoint]))
		for i := range entries {
			entries[i] = items[endpoint][i].Parking
		}
		for _, cut := range c.Cut(entries) {
			cut.Segment.Endpoint = endpoint
			t.Listed(&cut.Segment, 1)
			out.add(segmentParcel(customers[endpoint], items[endpoint], &cut, s.clock.ahead()))
		}
	}
	return gone, out.close(ctx)
}

// fill puts tiny messages in the places of what EVENTS lost, and deletes them by
// their subject: a purge with a sequence would empty the stream. Those that a
// node left which ended on the way are deleted too.
func (s *Store) fill(ctx context.Context, r *transport.Recovered) error {
	stream, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		return err
	}
	subject := "fill." + strconv.Itoa(shard)
	for last := stream.CachedInfo().State.LastSeq; last < r.FillTo; {
		msgs := make([]*nats.Msg, min(r.FillTo-last, fillBatch))
		for i := range msgs {
			msgs[i] = nats.NewMsg(subject)
		}
		if last, err = s.fillWith(ctx, msgs); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	return stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
}

func (s *Store) fillWith(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*publishTimeout)
	defer cancel()
	if last, err = s.publishBatch(ctx, msgs); err == nil {
		return last, nil
	}
	s.publishEach(ctx, msgs, func(_ int, seq uint64, perr error) {
		if err = perr; perr == nil {
			last = max(last, seq)
		}
	})
	return last, err
}

// lossState adds to the state of a shard what tells whether a stream lost its end.
func (s *Store) lossState(ctx context.Context, state *transport.ShardState) error {
	events, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		return err
	}
	state.EventsLast = events.CachedInfo().State.LastSeq
	if state.Reached, err = s.readProgress(ctx); err != nil {
		return err
	}
	at := state.Reached
	if at.Event == 0 || at.EventStored.IsZero() {
		return nil
	}
	if at.Event <= state.EventsLast {
		m, err := events.GetMsg(ctx, at.Event)
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return err
		}
		if m == nil || m.Time.Equal(at.EventStored) {
			return nil
		}
		state.ReachedAt = m.Time
	}
	return s.findLoss(ctx, events, state)
}

// findLoss finds where EVENTS goes on with others than it had.
func (s *Store) findLoss(ctx context.Context, events jetstream.Stream, state *transport.ShardState) error {
	after, err := s.firstMessage(ctx, StreamEvents, jetstreamext.GetBatchStartTime(state.Reached.EventStored.Add(time.Nanosecond)))
	if err != nil {
		return err
	}
	before := state.EventsLast
	if after != nil {
		state.NewFrom, before = after.Sequence, after.Sequence-1
	}
	m, err := events.GetMsg(ctx, before)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err
	}
	if m != nil {
		state.OldAt = m.Time
	}
	return nil
}
