package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/jet/gate"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/jet/kept"
	"github.com/postrider/postrider/transport/jet/memory"
	"github.com/postrider/postrider/transport/jet/owner"
	"github.com/postrider/postrider/transport/jet/producers"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/jet/runs"
)

// shard is the one that a node has by now.
const shard = jet.Shard(0)

// Options say where JetStream is, and how long what is kept.
type Options struct {
	jet.Options
	// EventsKeep and AttemptsKeep: how long acked events and the journal are
	// kept; 0: 7 days.
	EventsKeep, AttemptsKeep time.Duration
	// DetectionsKeep is how long detections are kept; 0: 30 days.
	DetectionsKeep time.Duration
	// DeadLettersKeep is how long dead letters are kept; 0: for ever.
	DeadLettersKeep time.Duration
	// Window is the most events of a shard in hand; 0: 16384.
	Window int
	// DedupTime is how far back Recover looks for event ids; 0: 2 minutes.
	DedupTime time.Duration
	// Unreadable is told why a document of the log was buried unread; nil: nobody.
	Unreadable func(reason string)
	// Journaled is told of each try to write a batch of the journal: its
	// records, how long it took, and the error; nil: nobody.
	Journaled func(records int, took time.Duration, err error)
	// LostTail is told of each stream that Recover found without its end; nil:
	// nobody.
	LostTail func(transport.LostTail)
	// NotTaken is told of n messages of producers that the embedded server did
	// not store, of which stream (empty: not known), and why; nil: nobody.
	NotTaken func(stream, reason string, n int)
	// Paces are the customers' quotas of what producers publish by NATS.
	Paces []gate.Pace
	// Admit tells why the log has no room for so many bytes more of a customer's
	// by NATS, as gate.LaneOptions has it; Stored is told of each event in the
	// log. nil: there always is, and nobody.
	Admit  func(customer string, bytes int) error
	Stored func(eventlog.Stored)
	// ListenLater leaves the door to producers closed until Listen is called.
	ListenLater bool
}

func (o Options) withDefaults() Options {
	const week = 7 * 24 * time.Hour
	o.EventsKeep, o.AttemptsKeep = cmp.Or(o.EventsKeep, week), cmp.Or(o.AttemptsKeep, week)
	o.DetectionsKeep = cmp.Or(o.DetectionsKeep, 30*24*time.Hour)
	o.Window = cmp.Or(o.Window, 16384)
	o.DedupTime = cmp.Or(o.DedupTime, 2*time.Minute)
	if o.LostTail == nil {
		o.LostTail = func(transport.LostTail) {}
	}
	return o
}

// Store is the rooms on one connection.
type Store struct {
	*jet.Conn
	Events   *eventlog.Store
	Deferred *deferred.Store
	Kept     *kept.Store
	Attempts *journal.Store
	Letters  *deadletters.Store
	Memory   *memory.Store
	Runs     *runs.Store
	Settings *registry.Store
	Registry *registry.Registry
	Alerts   *registry.Alerts

	// Fence guards the shard's writes by the records of its owner.
	Fence  *jet.Fence
	Owners *owner.Store

	opts      Options
	producers *producers.Producers // nil: nobody is listened to
	purging   sync.Mutex           // one purge at a time
}

// Open connects to the server of o.URL, or embeds one on o.DataDir, creates or
// updates the streams and buckets, and only then lets producers in (unless that
// is to be later). Its errors are jet.Open's.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	conn, err := jet.Open(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	s := &Store{Conn: conn, opts: o}
	if err := s.open(ctx); err != nil {
		// What was opened so far is closed even where ctx is over.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), jet.APITimeout)
		defer cancel()
		return nil, errors.Join(err, s.Close(closing))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	s.Fence = jet.NewFence(shard, s.Embedded())
	s.Owners = owner.New(s.Conn, shard, s.Fence)
	log := eventlog.Options{Keep: s.opts.EventsKeep, Window: s.opts.Window, Unreadable: s.opts.Unreadable,
		Fence: s.Fence, Purging: s.Owners.Purging, Stored: s.opts.Stored,
		Referred: func(ctx context.Context, first, purgeable uint64) (uint64, error) {
			return s.Deferred.Referred(ctx, first, purgeable)
		},
		MakeRoom: s.makeRoom}
	if s.Listens() {
		s.producers = producers.New(s.Conn, producers.Options{MaxPayload: int32(s.MaxPayload()), Window: s.opts.DedupTime,
			NotTaken: s.opts.NotTaken, Paces: s.opts.Paces, Admit: s.opts.Admit, Stored: s.storedByProducers(),
			Event: eventlog.Identify, Detection: runs.Identify})
		log.Source = s.producers.Events()
	}
	s.Kept = kept.New(s.Conn, shard, s.Fence)
	log.Kept = s.Kept.Message
	s.Events = eventlog.New(s.Conn, shard, log)
	s.Letters = deadletters.New(s.Conn, shard, deadletters.Options{Unreadable: s.opts.Unreadable, Fence: s.Fence})
	if err := s.openBuckets(ctx); err != nil {
		return err
	}
	if s.Deferred, err = deferred.Open(ctx, s.Conn, shard, deferred.Options{Window: s.opts.Window, Witness: s.Attempts, Fence: s.Fence, Events: s.Events}); err != nil {
		return err
	}
	if err := s.StageInMemory(ctx); err != nil {
		return err
	}
	if s.opts.ListenLater {
		return nil
	}
	return s.Listen(ctx)
}

func (s *Store) prepare(ctx context.Context) error {
	all, err := streams(ctx, s.Conn, &s.opts)
	if err != nil {
		return err
	}
	return s.Prepare(ctx, all)
}

func (s *Store) openBuckets(ctx context.Context) (err error) {
	if s.Runs, err = runs.Open(ctx, s.Conn); err != nil {
		return err
	}
	if s.Settings, err = registry.Open(ctx, s.Conn, registry.Options{LastDetection: s.Runs.LastDetection}); err != nil {
		return err
	}
	s.Registry, s.Alerts = s.Settings.Registry(), s.Settings.Alerts()
	if s.Memory, err = memory.Open(ctx, s.Conn, s.Fence); err != nil {
		return err
	}
	s.Attempts, err = journal.Open(ctx, s.Conn, shard, journal.Options{Journaled: s.opts.Journaled, Fence: s.Fence})
	return err
}

// storedByProducers fits Options.Stored to the gate.
func (s *Store) storedByProducers() func(seq uint64, customer string, bytes int64) {
	told := s.opts.Stored
	if told == nil {
		return nil
	}
	return func(seq uint64, customer string, bytes int64) {
		if customer != "" {
			told(eventlog.Stored{Seq: seq, Customer: customer, Bytes: bytes})
		}
	}
}

// Listen lets producers in, where the server is embedded and Options.Listen says
// where. It is called once, and may read what the last two minutes of events
// had as ids first.
func (s *Store) Listen(ctx context.Context) error {
	if s.producers == nil {
		return nil
	}
	if err := s.producers.Open(ctx); err != nil {
		return err
	}
	return s.Conn.Listen()
}

// Ready is nil, or an error naming what is missing. It sends nothing.
func (s *Store) Ready() error {
	if err := s.Conn.Ready(); err != nil {
		return err
	}
	return s.Registry.Ready()
}

// Close ends the watching and closes the connection. Calling it again is fine.
// The error tells that ctx ended before all was drained; all is closed anyway.
func (s *Store) Close(ctx context.Context) error {
	if s.producers != nil {
		s.producers.Close(ctx)
	}
	if s.Events != nil {
		s.Events.Close()
	}
	if s.Settings != nil {
		s.Settings.Close()
	}
	return s.Conn.Close(ctx)
}

// Consumers pull a shard's log and what comes due.
type Consumers struct {
	events *eventlog.Consumer
	due    *deferred.DueConsumer
}

// Consume starts the shard's two consumers and gives their messages to sink, one
// after the other for each of them. What cannot be read is buried in g. ctx
// bounds the start alone; Stop ends it.
func (s *Store) Consume(ctx context.Context, sink transport.Sink, g *deadletters.Graveyard) (*Consumers, error) {
	events, err := s.Events.Consume(ctx, sink, g.Bury)
	if err != nil {
		return nil, err
	}
	due, err := s.Deferred.ConsumeDue(ctx, sink, g.BuryAs)
	if err != nil {
		return nil, errors.Join(err, events.Stop(ctx))
	}
	return &Consumers{events: events, due: due}, nil
}

// Routed is the highest sequence of the log that the sink has taken.
func (c *Consumers) Routed() uint64 { return c.events.Routed() }

// Stop hands everything back that is not in the sink's hands, at once, and
// returns when that is done. A sink that blocks must be released by its owner.
// Calling it again is fine. The error is ctx's where that ends first.
func (c *Consumers) Stop(ctx context.Context) error {
	due := make(chan error, 1)
	go func() { due <- c.due.Stop(ctx) }()
	return errors.Join(c.events.Stop(ctx), <-due)
}

// Audit counts, at a cut of the log, what was owed and what became of it.
func (s *Store) Audit(ctx context.Context, o journal.AuditOptions) (*transport.Audit, error) {
	return s.Attempts.Audit(ctx, s.Events, s.Deferred, o)
}

// SweepPayloads deletes old payloads that nothing refers to any more. An event
// moves from EVENTS to KEPT and DEFERRED, and from all to DEADLETTERS, where it
// stays: so each is read when the one before it has been.
func (s *Store) SweepPayloads(ctx context.Context) error {
	return s.Conn.SweepPayloads(ctx, s.opts.EventsKeep,
		[]jet.References{s.Events.References(), s.Kept.References(), s.Deferred.References(), s.Letters.References()})
}

// Relief is how far the streams may be shortened.
type Relief struct {
	// Settled is up to which event all are settled, First the one that the log
	// begins with.
	Settled, First uint64
	// Needed is since when the journal is needed to take the shard.
	Needed time.Time
}

// neededMargin is how much longer the journal is kept than taking the shard
// reads it.
const neededMargin = 3 * time.Minute

// Relief tells it.
func (s *Store) Relief(ctx context.Context) (r Relief, err error) {
	if r.Settled, _, err = s.Events.Consumed(ctx); err != nil {
		return r, fmt.Errorf("what is settled: %w", err)
	}
	if r.First, err = s.FirstSequence(ctx, shard.Events()); err != nil {
		return r, err
	}
	r.Needed = s.Now()
	unsettled, err := s.Events.StoredAfter(ctx, r.Settled)
	if err != nil {
		return r, fmt.Errorf("what is not settled: %w", err)
	}
	due, err := s.Deferred.OldestDue(ctx)
	if err != nil {
		return r, fmt.Errorf("what is due: %w", err)
	}
	for _, at := range []time.Time{unsettled, due} {
		if !at.IsZero() && at.Before(r.Needed) {
			r.Needed = at
		}
	}
	r.Needed = r.Needed.Add(-neededMargin)
	return r, nil
}

// SweepDropped deletes the payloads of events that were dropped from the log
// before their age, where nothing else refers to them.
func (s *Store) SweepDropped(ctx context.Context) error {
	return s.SweepEventPayloads(ctx, []jet.References{s.Events.References(), s.Kept.References(), s.Deferred.References(), s.Letters.References()})
}

// Replays opens the bucket of replays of many.
func (s *Store) Replays(ctx context.Context) (*jet.Records, error) {
	r, err := s.Records(ctx, jet.BucketReplays, "Postrider: replays of many deliveries")
	if err != nil {
		return nil, fmt.Errorf("replays: %w", err)
	}
	return r, nil
}
