package shard

import (
	"fmt"
	"log/slog"
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
	// There tells later which of some events the log has, or may have; it does not
	// block. nil: it has none.
	There func(seqs []uint64, told func(there []uint64))
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
	// Compile none does. They, Spent and FilterError are called on a goroutine of
	// their own.
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

// Shard carries out what the machine of one shard decides: it hands events to
// endpoints. Its exported methods may be called from any goroutine.
type Shard struct {
	o      Options
	ref    *actors.Ref
	box    inbox
	fresh  *gate // for events of the log
	back   *gate // for what comes back from DEFERRED
	stats  atomic.Pointer[Stats]
	routed atomic.Uint64
	ticker *time.Ticker
	stop   chan struct{}
	once   sync.Once
	// running are the ticker, the filters and the stops of actors.
	running sync.WaitGroup
	uplink  *uplink
	filters *filterQueue

	// Owned by the actor.
	began    time.Time
	machine  *Machine
	done     int // effects of this step that were carried out
	retained map[string]*endpoint.Retained
	drained  []chan struct{}
	spare    batch
	record   transport.Record // the fan-out being told
}

const (
	defaultWindow      = 16384
	defaultWindowBytes = 64 << 20
	defaultIdle        = 30 * time.Second
)

// wake tells the actor that its inbox holds something.
type wake struct{}

// New starts a shard; give it the endpoints (Change) before the first event.
func New(o Options) *Shard {
	o.defaults()
	s := &Shard{
		o:        o,
		ticker:   time.NewTicker(tickEvery),
		stop:     make(chan struct{}),
		began:    o.Deps.Now(),
		retained: map[string]*endpoint.Retained{},
	}
	s.retain()
	s.machine = NewMachine(Settings{Window: o.Window, WindowBytes: o.WindowBytes, Idle: o.Idle, Recovered: o.Recovered, Owner: s})
	s.fresh, s.back = newGate(s.machine.fresh), newGate(s.machine.back)
	s.uplink = newUplink(func(down bool) {
		kind := UplinkBack
		if down {
			kind = UplinkLost
		}
		s.input(Input{Kind: kind})
	})
	s.filters = newFilterQueue(newFilters(&o), func(seq uint64, verdicts []Verdict) {
		s.input(Input{Kind: Filtered, Seq: seq, Verdicts: verdicts})
	}, o.System.Stepped())
	s.o.Deps.Uplink = s.uplink
	s.o.Deps.Unparked = func(id string) { s.input(Input{Kind: ListAsked, ID: id}) }
	s.stats.Store(&Stats{})
	s.routed.Store(s.machine.Routed())
	s.ref = o.System.Spawn("shard", s, func(p *actors.Panic) {
		o.Fatal(fmt.Errorf("the shard broke: %v\n%s", p.Value, p.Stack))
	})
	if !o.System.Stepped() {
		s.running.Go(s.tick)
		s.running.Go(func() { s.filters.run(s.stop) })
	}
	return s
}

func (o *Options) defaults() {
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
			s.Tick()
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
	s.put(func(b *batch) { b.arrivals = append(b.arrivals, arrival{due: seg, handle: h, bytes: bytes}) })
}

// Passed notes an event of the log that makes no leases: one that cannot be read.
func (s *Shard) Passed(seq uint64) { s.input(Input{Kind: EventPassed, Seq: seq}) }

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
	s.call(func(now time.Time) {
		s.step(now, Input{Kind: AllKnown})
		s.retainLimited()
	})
}

// Halt stops pulls, sends and acks, since the shard may be another's by now:
// what comes is handed back, what is in hand stays there. GoOn lets all go on.
func (s *Shard) Halt() {
	s.fresh.halt(true)
	s.back.halt(true)
	s.input(Input{Kind: Halted})
}

// GoOn lets all go on that Halt stopped.
func (s *Shard) GoOn() {
	s.input(Input{Kind: WentOn})
	s.fresh.halt(false)
	s.back.halt(false)
}

// Ended brings the end of a lease to the shard's next turn.
func (s *Shard) Ended(l *endpoint.Lease, how endpoint.End) {
	if s.box.ended(end{l.Mark.(*handed), how}) {
		s.ref.Send(wake{})
	}
}

// Held gives the pairs in hand without an outcome, those of every message
// that was taken before the call; nil where the shard has stopped.
func (s *Shard) Held() (pairs []transport.Pair) {
	done := make(chan struct{})
	s.call(func(time.Time) { pairs = s.machine.Held(); close(done) })
	select {
	case <-done:
		return pairs
	case <-s.stop:
		return nil
	}
}

// Routed is the highest sequence of the log up to which all that came was routed.
func (s *Shard) Routed() uint64 { return s.routed.Load() }

// Stats is how the shard looked at its last sweep.
func (s *Shard) Stats() Stats { return *s.stats.Load() }

func (s *Shard) input(in Input) { s.call(func(now time.Time) { s.step(now, in) }) }

func (s *Shard) call(f func(now time.Time)) { s.put(func(b *batch) { b.calls = append(b.calls, f) }) }

func (s *Shard) put(add func(*batch)) {
	if s.box.put(add) {
		s.ref.Send(wake{})
	}
}
