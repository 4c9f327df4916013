package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// Settings are what a Machine goes by.
type Settings struct {
	// Window and WindowBytes bound what is in hand of events; a quarter of each
	// bounds what comes back from DEFERRED.
	Window, WindowBytes int
	// Idle is how long an actor without leases lives.
	Idle time.Duration
	// Recovered is what is known of the time before. The machine takes it over.
	Recovered *transport.Recovered
	// Owner is put into the leases; it is told their ends.
	Owner endpoint.Owner
}

// Machine decides for a shard: who wants an event, which leases are handed over
// when, and when a message is acked.
type Machine struct {
	owner endpoint.Owner
	idle  time.Duration

	fresh  room // for events of the log
	back   room // for what comes back from DEFERRED
	events map[uint64]*message
	dues   map[uint64]*message

	routes    *routes
	active    map[string]*active
	parked    counts
	highest   uint64          // event that was routed
	asking    map[uint64]bool // events that filters are asked about
	recovered *transport.Recovered

	settled  *settledSet // events
	returned *recentSet  // segments that are settled
	segments *recentSegments
	arrivals *arrivals
	blocked  []*handed // of ordered endpoints, waiting for an earlier event
	unblock  bool      // it may be that they need not wait any more
	panics   map[uint64]int
	uplink   uplinkState
	draining bool
	// drainAsked: whoever drains is to be told when nothing is in hand.
	drainAsked bool
	halted     bool
	unacked    []transport.Handle // of what was settled while halted
	ticks      int
	handBacks  []*handed // leases that end unsettled with this step
	now        time.Time // of the step
	effects    []Effect
}

const recentDues = 1 << 14

// NewMachine begins with what was found as the shard was taken.
func NewMachine(s Settings) *Machine {
	r := writable(s.Recovered)
	m := &Machine{
		owner: s.Owner, idle: s.Idle,
		fresh:     room{maxLeases: s.Window, maxBytes: s.WindowBytes},
		back:      room{maxLeases: max(1, s.Window/4), maxBytes: max(1, s.WindowBytes/4)},
		events:    map[uint64]*message{},
		dues:      map[uint64]*message{},
		routes:    newRoutes(),
		active:    map[string]*active{},
		parked:    counts{},
		highest:   r.Floor,
		asking:    map[uint64]bool{},
		recovered: r,
		settled:   newSettledSet(r.Floor),
		returned:  newRecentSet(recentDues),
		segments:  newRecentSegments(recentDues),
		arrivals:  newArrivals(r),
		panics:    map[uint64]int{},
	}
	for id, p := range r.Parked {
		if p.Entries > 0 {
			m.parked[id] = p
		}
	}
	r.Parked = nil
	return m
}

// writable gives r the maps it lacks.
func writable(r *transport.Recovered) *transport.Recovered {
	if r == nil {
		r = &transport.Recovered{}
	}
	if r.FanOuts == nil {
		r.FanOuts = map[uint64]transport.EventFanOut{}
	}
	if r.Pairs == nil {
		r.Pairs = map[transport.Pair]transport.PairState{}
	}
	return r
}

// Step takes one input and returns what to do, in order. The slice is valid
// until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Effect {
	if in.Kind == EventBroke {
		m.undo(m.effects[min(in.Done, len(m.effects)):])
	}
	clear(m.effects)
	m.effects, m.now = m.effects[:0], now
	m.take(now, &in)
	if m.unblock {
		m.unblockAll()
	}
	for len(m.handBacks) > 0 {
		l := m.handBacks[0]
		m.handBacks = m.handBacks[1:]
		m.ended(now, l, endpoint.Released)
	}
	m.handBacks = nil
	if m.drainAsked && m.Idle() {
		m.drainAsked = false
		m.do(Effect{Do: AllDrained})
	}
	return m.effects
}

func (m *Machine) take(now time.Time, in *Input) {
	switch in.Kind {
	case LeaseEnded:
		m.ended(now, in.Lease, in.End)
	case EventCame:
		m.eventCame(now, in)
	case SegmentCame:
		m.segmentCame(now, in)
	case Filtered:
		m.filtered(now, in)
	case Sought:
		m.sought(now, in)
	case EventPassed:
		m.arrivals.come(in.Seq, now)
		m.unblock = true
	case EventBroke:
		m.eventBroke(now, in)
	case ActorBroke:
		m.actorBroke(in)
	case Changed:
		m.changed(in)
	case AllKnown:
		m.allKnown()
	case ListAsked:
		m.tellUnparked(in.ID)
	case UplinkLost, UplinkBack:
		m.uplinkIs(in.Kind == UplinkLost)
	case Ticked:
		m.tick(now, in)
	case Drained:
		m.drain()
	case Stopped:
		m.draining, m.active = true, map[string]*active{}
	case Halted:
		m.halt()
	case WentOn:
		m.goOn()
	}
}

func (m *Machine) do(e Effect) { m.effects = append(m.effects, e) }

// Held lists the pairs in hand without an outcome.
func (m *Machine) Held() []transport.Pair {
	var pairs []transport.Pair
	for _, all := range []map[uint64]*message{m.events, m.dues} {
		for _, h := range all {
			for _, l := range h.leases {
				if l.end == 0 && l.Endpoint != "" {
					pairs = append(pairs, l.Pair)
				}
			}
		}
	}
	return pairs
}

// Idle tells whether nothing is in hand.
func (m *Machine) Idle() bool { return len(m.events)+len(m.dues) == 0 }
