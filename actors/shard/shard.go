package shard

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// Options are a shard's surroundings and bounds.
type Options struct {
	System *actors.System
	// Deps are given to each endpoint's actor.
	Deps endpoint.Deps
	// Memories are what endpoints remember from before, by id.
	Memories map[string]transport.Memory
	// RecallAll brings all that is parked for an endpoint back, since it is to
	// be given up; nil: it comes when it is due.
	RecallAll func(endpoint string)
	// Away tells that NATS is out of reach, so that nothing can come; nil: never.
	Away func() bool
	// Recovered is what is known of the time before; nil: nothing.
	Recovered *transport.Recovered
	// Window and WindowBytes bound what is in hand; 0: 16384 and 64 MiB.
	Window, WindowBytes int
	// Idle is how long an actor without leases lives; 0: 30 s.
	Idle time.Duration
	// Routed is told of each event and how many endpoints wanted it; nil: nobody.
	Routed func(ev *transport.Event, endpoints int)
	// Compile makes the filter of an endpoint out of its text, and View what
	// filters look at, at most once for each event; the event itself where View
	// is nil. An endpoint whose filter does not compile gets nothing. Without
	// Compile none does.
	Compile func(source string) (match func(view any) (bool, error), err error)
	View    func(ev *transport.Event) any
	// Spent is what a view has cost so far; nil: nothing.
	Spent func(view any) time.Duration
	// Shares bounds what a customer's filters may cost; nil: nothing does.
	Shares *transport.Shares
	// FilterError is told of each event that a filter failed at, which then is
	// not wanted; nil: nobody.
	FilterError func(endpoint string, err error)
	// Fatal is told when the shard itself broke and the node must leave.
	Fatal  func(error)
	Logger *slog.Logger
}

// Shard hands events to endpoints. Its exported methods may be called from any
// goroutine.
type Shard struct {
	o      Options
	ref    *actors.Ref
	box    inbox
	fresh  *window // events of the log
	back   *window // what comes back from DEFERRED: a quarter
	stats  atomic.Pointer[Stats]
	routed atomic.Uint64
	ticker *time.Ticker
	stop   chan struct{}
	once   sync.Once
	// running are the ticker and the stops of actors.
	running sync.WaitGroup

	uplink *uplink

	// Owned by the actor.
	began     time.Time
	ticks     int
	pasts     map[string]*endpoint.Retained
	taken     *taken
	parked    counted
	behind    []*handed // of ordered endpoints, waiting for an earlier event
	segments  *recentSegments
	away      bool   // our own line is down
	canary    string // the endpoint that tries it
	canaryAt  time.Time
	routes    *routes
	slots     map[string]*slot
	events    map[uint64]*held
	dues      map[uint64]*held
	settled   *settledSet
	settledIn *recentSet
	recovered *transport.Recovered
	panics    map[uint64]int
	draining  bool
	drained   []chan struct{}
	spare     batch
	record    transport.Record // the fan-out being told
}

// Stats is what a shard looked like at its last tick.
type Stats struct {
	Actors, Endpoints int
	// Held messages, leases in hand of endpoints, waiting for credit, and
	// entries parked in DEFERRED.
	Held, InHand, Waiting, Parked int
	WindowBytes                   int
	// Oldest is how long the oldest held message has been in hand.
	Oldest time.Duration
}

const (
	defaultWindow      = 16384
	defaultWindowBytes = 64 << 20
	defaultIdle        = 30 * time.Second
	tickEvery          = 100 * time.Millisecond
	// sweepEvery counts ticks.
	sweepEvery = 10
	// progressEvery keeps held messages from being given to anyone again.
	progressEvery = 10 * time.Second
	recentDues    = 1 << 14
)

// wake tells the actor that its inbox holds something.
type wake struct{}

// New starts a shard; give it the endpoints (Change) before the first event.
func New(o Options) *Shard {
	o.Window = orDefault(o.Window, defaultWindow)
	o.WindowBytes = orDefault(o.WindowBytes, defaultWindowBytes)
	o.Idle = orDefault(o.Idle, defaultIdle)
	if o.Recovered == nil {
		o.Recovered = &transport.Recovered{}
	}
	if o.RecallAll == nil {
		o.RecallAll = func(string) {}
	}
	if o.Away == nil {
		o.Away = func() bool { return false }
	}
	if o.Routed == nil {
		o.Routed = func(*transport.Event, int) {}
	}
	s := &Shard{
		o:      o,
		fresh:  newWindow(o.Window, o.WindowBytes),
		back:   newWindow(max(1, o.Window/4), max(1, o.WindowBytes/4)),
		ticker: time.NewTicker(tickEvery),
		stop:   make(chan struct{}),

		routes:    newRoutes(newFilters(&o)),
		slots:     map[string]*slot{},
		events:    map[uint64]*held{},
		dues:      map[uint64]*held{},
		settled:   newSettledSet(o.Recovered.Floor),
		settledIn: newRecentSet(recentDues),
		recovered: writable(o.Recovered),
		panics:    map[uint64]int{},
		began:     o.Deps.Now(),
		pasts:     map[string]*endpoint.Retained{},
		parked:    counted{},
		taken:     newTaken(o.Recovered),
		segments:  newRecentSegments(recentDues),
	}
	s.uplink = newUplink(func(down bool) { s.call(func() { s.line(down) }) })
	s.o.Deps.Uplink = s.uplink
	s.o.Deps.Unparked = func(id string) { s.call(func() { s.unparkedInHand(id) }) }
	s.recallPasts()
	s.stats.Store(&Stats{})
	s.routed.Store(o.Recovered.Floor)
	s.ref = o.System.Spawn("shard", s, func(p *actors.Panic) {
		o.Fatal(fmt.Errorf("the shard broke: %v\n%s", p.Value, p.Stack))
	})
	if !o.System.Stepped() {
		s.running.Go(s.tick)
	}
	return s
}

// writable gives r the maps it lacks.
func writable(r *transport.Recovered) *transport.Recovered {
	if r.FanOuts == nil {
		r.FanOuts = map[uint64]transport.EventFanOut{}
	}
	if r.Pairs == nil {
		r.Pairs = map[transport.Pair]transport.PairState{}
	}
	return r
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

func (s *Shard) tick() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.ticker.C:
			s.call(s.tickOnce)
		}
	}
}

// Event takes one event of the log in; it waits while the window is full.
func (s *Shard) Event(ev *transport.Event, h transport.Handle) {
	bytes := ev.Size()
	if !s.fresh.acquire(1, bytes) {
		h.Nak()
		return
	}
	s.put(func(b *batch) { b.arrivals = append(b.arrivals, arrival{event: ev, handle: h, bytes: bytes}) })
}

// Due takes one segment back from DEFERRED; it waits while the window is full.
func (s *Shard) Due(seg *transport.Segment, h transport.Handle) {
	bytes := 0
	for i := range seg.Entries {
		bytes += seg.Entries[i].Event.Size()
	}
	if !s.back.acquire(len(seg.Entries), bytes) {
		h.Nak()
		return
	}
	s.put(func(b *batch) {
		b.arrivals = append(b.arrivals, arrival{due: seg, handle: h, bytes: bytes})
		b.dues++
	})
}

// Change takes one change of the registry in and returns when it is in effect:
// events that come after it, and attempts that start after it, go by it.
func (s *Shard) Change(c transport.Change) {
	select {
	case <-s.Begin(c):
	case <-s.stop:
	}
}

// Known says that all endpoints there are were given: what is parked for any
// other is brought back, to be given up.
func (s *Shard) Known() {
	s.call(func() {
		for _, id := range slices.Sorted(maps.Keys(s.parked)) {
			if s.routes.byID[id] == nil && s.parked.of(id).Entries > 0 {
				s.o.RecallAll(id)
			}
		}
		s.beganPasts()
	})
}

// Held gives the pairs in hand without an outcome, those of every message
// that was taken before the call; nil where the shard has stopped.
func (s *Shard) Held() (pairs []transport.Pair) {
	done := make(chan struct{})
	s.call(func() { pairs = s.pending(); close(done) })
	select {
	case <-done:
		return pairs
	case <-s.stop:
		return nil
	}
}

// Routed is the highest sequence of the log that was routed.
func (s *Shard) Routed() uint64 { return s.routed.Load() }

// Stats is how the shard looked at its last tick.
func (s *Shard) Stats() Stats { return *s.stats.Load() }

func (s *Shard) call(f func()) { s.put(func(b *batch) { b.calls = append(b.calls, f) }) }

func (s *Shard) put(add func(*batch)) {
	if s.box.put(add) {
		s.ref.Send(wake{})
	}
}

// Receive is one turn of the actor.
func (s *Shard) Receive(any) {
	b := s.box.take(s.spare)
	for i := range b.ends {
		s.ended(&b.ends[i])
	}
	for i := range b.arrivals {
		s.arrived(&b.arrivals[i])
	}
	for _, f := range b.calls { // after what arrived before them
		f()
	}
	s.fresh.worked(len(b.arrivals) - b.dues)
	s.back.worked(b.dues)
	s.spare = b.reset()
	if s.draining {
		s.checkDrained()
	}
}
