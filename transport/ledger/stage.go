package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// StageOptions tune a Stage; the zero value of each field is its default.
type StageOptions struct {
	// Log names the log that sequences belong to, such that a log made anew has
	// another name: the stream's name and creation time. Needed with Redis.
	Log string
	// BatchMax is the most events of one round trip, and as many may wait
	// behind it; 0: 256. Linger is how long the first waits for more; 0: 1 ms.
	BatchMax int
	Linger   time.Duration
	// ProbeEvery is how often Redis is probed while it is away or idle; 0: 1 s.
	ProbeEvery time.Duration
	// Logger gets one line per change of state; nil: slog.Default.
	Logger *slog.Logger
	// OnFallback is told of n events whose id only Local could check.
	OnFallback func(n int)
	// OnCall is told of each batch and each probe, in order: its error, nil
	// where Redis answered. It must not block.
	OnCall func(err error)
}

func (o *StageOptions) defaults() {
	if o.BatchMax <= 0 {
		o.BatchMax = 256
	}
	if o.Linger <= 0 {
		o.Linger = time.Millisecond
	}
	if o.ProbeEvery <= 0 {
		o.ProbeEvery = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnFallback == nil {
		o.OnFallback = func(int) {}
	}
	if o.OnCall == nil {
		o.OnCall = func(error) {}
	}
}

// Stage is a transport.Sink before a shard's: it marks the duplicates among
// the events and passes all on in the order they came. It never drops one and
// never waits for a Redis that is away.
type Stage struct {
	next   transport.Sink
	local  *Local
	remote *Redis
	o      StageOptions
	link   *link

	ctx     context.Context // ends when Close begins
	closing context.CancelFunc
	done    sync.WaitGroup
	mu      sync.RWMutex // read: an Event is on its way in
	closed  bool
	in      chan taken
	within  atomic.Int64 // events taken and not passed on yet
	batch   []taken
	ided    []*transport.Event
}

// taken is an event with its handle, in the stage.
type taken struct {
	ev *transport.Event
	h  transport.Handle
}

// NewStage puts local and remote before next. Without Redis (remote nil) Event
// runs on the caller's goroutine alone; with it, next.Event is called from the
// stage's own goroutine and may run beside next.Due. The stage closes neither
// next nor remote.
func NewStage(next transport.Sink, local *Local, remote *Redis, o StageOptions) (*Stage, error) {
	if remote != nil && (o.Log == "" || len(o.Log) > 128) {
		return nil, &transport.FieldError{Field: "log", Message: "is needed with Redis, 1 to 128 bytes: give the stream's name and creation time"}
	}
	o.defaults()
	s := &Stage{next: next, local: local, remote: remote, o: o}
	s.ctx, s.closing = context.WithCancel(context.Background())
	if remote != nil {
		s.link = &link{remote: remote, logger: o.Logger, told: o.OnCall}
		s.in = make(chan taken, o.BatchMax)
		s.done.Go(s.run)
		s.done.Go(func() { s.link.watch(s.ctx, o.ProbeEvery) })
	}
	return s, nil
}

// Event marks ev if it is a duplicate and passes it on. With Redis it returns
// when the stage has taken it, and blocks while the stage is full. Once the
// stage is closing the event is handed back.
func (s *Stage) Event(ev *transport.Event, h transport.Handle) {
	if s.remote == nil {
		if s.ctx.Err() != nil {
			h.Nak()
			return
		}
		s.local.Check(ev)
		s.next.Event(ev, h)
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		h.Nak()
		return
	}
	s.within.Add(1)
	select {
	case s.in <- taken{ev, h}:
	case <-s.ctx.Done():
		s.within.Add(-1)
		h.Nak()
	}
}

// Within is how many events the stage has taken and not passed on yet.
func (s *Stage) Within() int { return int(s.within.Load()) }

// Due passes straight through: what comes back from DEFERRED was checked when
// it was fresh.
func (s *Stage) Due(seg *transport.Segment, h transport.Handle) { s.next.Due(seg, h) }

// Passed passes straight through: what could not be read has no id.
func (s *Stage) Passed(seq uint64) { s.next.Passed(seq) }

// Ready is nil, or names Redis as away; deliveries go on all the same. The
// error wraps transport.ErrUnavailable.
func (s *Stage) Ready() error {
	if s.link == nil {
		return nil
	}
	return s.link.ready(s.local.window)
}

// Close hands back, by Nak, what was not passed on yet, and waits for a
// next.Event in hand until ctx ends. After that no event is passed on by the
// stage's goroutine. Closing again is fine.
func (s *Stage) Close(ctx context.Context) error {
	s.closing()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.empty()
	ended := make(chan struct{})
	go func() { s.done.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the ledger: the shard still holds an event back: %w", ctx.Err())
	}
}

// empty hands back what waits in the stage; no more comes in by now.
func (s *Stage) empty() {
	for {
		select {
		case t := <-s.in:
			s.within.Add(-1)
			t.h.Nak()
		default:
			return
		}
	}
}
