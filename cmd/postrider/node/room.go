package node

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/quota"
	"github.com/postrider/postrider/transport/telemetry"
)

// room looks after the disk that the streams share, so that what must go on has
// some. As it runs short, in this order: the oldest events that are settled are
// dropped before their age, a customer's own where it is that who uses up its
// share; a customer that is over its share is refused; the journal's oldest
// records are dropped; publishing is refused to all; nothing more is taken up
// from the log. Changes, revocations, retries and the journal go on to the end.
type room struct {
	log     *slog.Logger
	now     func() time.Time
	quotas  *quota.Book
	metrics *telemetry.Telemetry
	store   *store.Store // set by open
	file    string

	// events and large are what customers have in EVENTS, and in PAYLOADS.
	events, large *quota.Log
	counted       sync.Mutex
	upTo          uint64 // the log had so many when counting began; what was there is read
	highest       uint64 // that was counted, with an external server
	identity      string
	full          atomic.Int64 // what the log may have; 0 or less: nothing bounds it
	eventsMost    atomic.Int64 // of it EVENTS
	eventsAt      atomic.Int64 // bytes in EVENTS, as last told, and what was stored since

	// backlog is what waits to be taken up from the log; taken tells up to which
	// event all was.
	backlog *quota.Backlog
	taken   func() uint64

	wake   chan struct{}
	looked chan struct{} // closed and made anew at the end of each look
	least  chan struct{} // closed when there is room to work on; nil: there is
	ended  chan struct{}
	ending sync.Once
	mu     sync.Mutex // of looked, least, use and underWay
	use    jet.Use
	// underWay is what customers publish by HTTP right now, in bytes.
	underWay map[string]int64
	short    atomic.Bool
	stuck    atomic.Bool // the last look found nothing to drop
	swept    time.Time
	vain     time.Time       // nothing could be dropped
	bounds   map[string]bool // that were told of: whether as reached
}

const (
	// lookEvery is how often the room is looked at, lookPause the least time
	// between two looks.
	lookEvery = time.Second
	lookPause = 50 * time.Millisecond
	// keptEvery is how often it is kept who has how much.
	keptEvery = time.Minute
	// sweepPause is between two looks for payloads of what was dropped.
	sweepPause = 10 * time.Second
)

// Parts of a bound: above tight what is settled is dropped until it is at easy,
// and above brim publishing waits for that.
const (
	tight = 0.85
	easy  = 0.75
	brim  = 0.95
)

func (n *Node) newRoom() *room {
	return &room{log: n.log, now: n.now, quotas: n.quotas, metrics: n.metrics, file: logUseFile(n.cfg.Data),
		events: quota.NewLog(0), large: quota.NewLog(0), backlog: quota.NewBacklog(), taken: n.routedTo, wake: make(chan struct{}, 1), looked: make(chan struct{}), ended: make(chan struct{}),
		underWay: map[string]int64{}, bounds: map[string]bool{}}
}

// run looks after the room until ctx ends.
func (r *room) run(ctx context.Context) {
	look := lookEvery
	if !r.store.Embedded() {
		look *= 5
	}
	every, kept := time.NewTicker(look), time.NewTicker(keptEvery)
	defer every.Stop()
	defer kept.Stop()
	for {
		select {
		case <-ctx.Done():
			r.keep()
			return
		case <-kept.C:
			r.keep()
			continue
		case <-every.C:
		case <-r.wake:
		}
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("the streams' room is not looked after; trying again in a second", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookPause):
		}
	}
}

// nudge has the room looked at soon.
func (r *room) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// look takes in how the streams stand, makes room where it is short, and tells
// what is near.
func (r *room) look(ctx context.Context) error {
	defer r.turn()
	r.backlog.TakenUp(r.taken())
	if r.store.Conn.Ready() != nil {
		return nil // that is told elsewhere
	}
	use, err := r.store.Use(ctx)
	if err != nil {
		return err
	}
	relief, err := r.store.Relief(ctx)
	if err != nil {
		return err
	}
	r.events.Cut(relief.First)
	r.large.Cut(relief.First)
	r.take(&use)
	dropped, err := r.drop(ctx, &use, &relief)
	if err != nil {
		return err
	}
	r.stuck.Store(!dropped && r.over(r.eventsAt.Load(), r.eventsMost.Load(), tight))
	if use.Pressed() && use.Largest() == jet.StreamAttempts {
		if err := r.dropJournal(ctx, relief.Needed); err != nil {
			return err
		}
	}
	if dropped || use.Fill(jet.StreamPayloads) > tight {
		return r.sweep(ctx)
	}
	return nil
}

// take takes in what was asked.
func (r *room) take(use *jet.Use) {
	r.full.Store(use.Room.Log())
	r.eventsMost.Store(use.Room.Of(jet.StreamEvents))
	for i := range use.Streams {
		if s := &use.Streams[i]; s.Name == jet.StreamEvents {
			r.eventsAt.Store(int64(s.Bytes))
		}
	}
	r.short.Store(use.Short())
	r.mu.Lock()
	r.use = *use
	switch least := use.Least(); {
	case least && r.least == nil:
		r.least = make(chan struct{})
	case !least && r.least != nil:
		close(r.least)
		r.least = nil
	}
	r.mu.Unlock()
	r.tell(use)
}

// turn tells those who wait that the room was looked at.
func (r *room) turn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.looked)
	r.looked = make(chan struct{})
}

// drop drops what is settled where room is short, and tells whether there was
// any.
func (r *room) drop(ctx context.Context, use *jet.Use, relief *store.Relief) (dropped bool, err error) {
	below := uint64(0)
	end := relief.Settled + 1
	if used, most := r.eventsAt.Load(), r.eventsMost.Load(); most > 0 && float64(used) > tight*float64(most) {
		below = max(below, r.events.Oldest(end, used-int64(easy*float64(most))))
	}
	if fill := use.Fill(jet.StreamPayloads); fill > tight {
		below = max(below, r.large.Oldest(end, int64((fill-easy)*float64(use.Room.Of(jet.StreamPayloads)))))
	}
	below = max(below, r.ownOldest(end))
	if below <= relief.First || r.now().Sub(r.vain) < lookEvery {
		return false, nil
	}
	first, err := r.store.Relieve(ctx, below)
	if err != nil || first <= relief.First {
		r.vain = r.now() // something waits for the oldest: that does not change at once
		return false, err
	}
	r.events.Cut(first)
	r.large.Cut(first)
	r.metrics.DroppedEarly(jet.StreamEvents, first-relief.First)
	r.log.Warn("settled events were dropped before their age: room in the log runs short", "below", first, "messages", first-relief.First)
	return true, nil
}

// ownOldest is below what the oldest events of those lie that have nearly used
// up their share, as far as these are mostly their own.
func (r *room) ownOldest(end uint64) (below uint64) {
	full := r.full.Load()
	if full <= 0 {
		return 0
	}
	for customer, bytes := range r.events.Each() {
		bound := r.quotas.Bound(customer, transport.QuotaLog) * float64(full)
		used := bytes + r.large.Of(customer)
		if bound <= 0 || float64(used) <= tight*bound {
			continue
		}
		below = max(below, r.events.OldestOf(customer, end, used-int64(easy*bound)))
	}
	return below
}

// dropJournal drops a tenth of the journal.
func (r *room) dropJournal(ctx context.Context, needed time.Time) error {
	dropped, err := r.store.Attempts.Relieve(ctx, needed, 0.1)
	if err != nil || dropped == 0 {
		return err
	}
	r.metrics.DroppedEarly(jet.StreamAttempts, dropped)
	r.log.Warn("the journal's oldest records were dropped before their age: room runs short", "messages", dropped)
	return nil
}

func (r *room) sweep(ctx context.Context) error {
	if r.large.All() == 0 && r.swept.IsZero() || r.now().Sub(r.swept) < sweepPause {
		return nil
	}
	r.swept = r.now()
	return r.store.SweepDropped(ctx)
}

// stored counts an event in the log.
func (r *room) stored(s eventlog.Stored) {
	r.counted.Lock()
	embedded := r.store == nil || r.store.Embedded()
	again := s.Seq <= r.upTo || !embedded && s.Seq <= r.highest
	r.highest = max(r.highest, s.Seq)
	r.counted.Unlock()
	if again {
		return
	}
	r.count(s)
	if embedded {
		r.backlog.Add(r.now(), s.Seq, s.Customer, s.Bytes)
	}
	if r.eventsAt.Add(s.Bytes); r.over(r.eventsAt.Load(), r.eventsMost.Load(), tight) || r.overShare(s.Customer, tight) {
		r.nudge()
	}
}

func (r *room) count(s eventlog.Stored) {
	r.events.Add(s.Seq, s.Customer, s.Bytes)
	if s.Large > 0 {
		r.large.Add(s.Seq, s.Customer, s.Large)
	}
}

func (r *room) over(used, most int64, part float64) bool {
	return most > 0 && float64(used) > part*float64(most)
}

func (r *room) overShare(customer string, part float64) bool {
	bound := r.quotas.Bound(customer, transport.QuotaLog)
	return bound > 0 && r.share(customer, 0) > part*bound
}

// share is what a customer would have of the log with so many bytes more, of 1.
func (r *room) share(customer string, more int64) float64 {
	full := r.full.Load()
	if full <= 0 {
		return 0
	}
	r.mu.Lock()
	more += r.underWay[customer]
	r.mu.Unlock()
	return float64(r.events.Of(customer)+r.large.Of(customer)+more) / float64(full)
}

// fairPause is how soon one looks again who waits for others' turn.
const fairPause = 5 * time.Millisecond

// pace has publishing by NATS wait while what is settled is being dropped, and
// whoever holds more than an even part of what waits to be taken up.
func (r *room) pace(now time.Time, customer string, _ int) time.Duration {
	switch {
	case r.atBrim():
		r.nudge()
		return lookPause
	case r.ahead(now, customer):
		return fairPause
	}
	return 0
}

// ahead tells that a customer should let others have their turn.
func (r *room) ahead(now time.Time, customer string) bool {
	r.backlog.TakenUp(r.taken())
	return r.backlog.Much(now, customer)
}

// atBrim tells that it is worth waiting for room in EVENTS.
func (r *room) atBrim() bool {
	return r.over(r.eventsAt.Load(), r.eventsMost.Load(), brim) && !r.stuck.Load()
}
