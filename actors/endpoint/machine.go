package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Machine decides for one endpoint. Its first input must be Begun.
type Machine struct {
	policy   Policy
	waiting  queue
	early    []*Delivery // in hand, due within inHandFor; soonest first
	inFlight int
	draining bool
	effects  []Effect
	deliveries

	breaker     *breaker
	bucket      bucket
	concurrency concurrency
	ramp        ramp
	slots       slots
	order       order
	recalls     recalls
	parked      transport.Parked

	silentSince  time.Time // the last answer, or the first send after none was in flight
	heldUntil    time.Time
	holds        int
	failingSince time.Time
	disabled     bool // by its own word, of which the registry does not know yet
	reason       string
	marked       bool // what was remembered last is not nothing
	storing      int  // no send before so much is stored
	away         bool // our own uplink is down: the canary alone goes
	canary       bool
	shed         int // most in hand by the shard's word; 0: no word
	wakeAt       time.Time
}

// maxPanics is how often rendering or sending an event may panic.
const maxPanics = 3

// Step takes one input and returns what to do, in order. The slice is valid
// until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Effect {
	clear(m.effects)
	m.effects = m.effects[:0]
	m.deliveries.collect()
	m.parked = in.Parked
	m.take(now, &in)
	m.work(now)
	return m.effects
}

func (m *Machine) take(now time.Time, in *Input) {
	switch in.Kind {
	case Begun:
		m.begin(now, in)
	case Leased:
		m.leased(now, m.of(in.Lease))
	case PutAside:
		m.putAside(now, m.of(in.Lease))
	case Answered:
		m.answered(now, in)
	case Changed:
		m.change(now, in)
	case Drained:
		m.draining = true
	case Stored:
		m.storing--
	case Listed:
		m.order.listed(in.Number, in.Pairs)
	case NoLongerParked:
		for _, u := range in.Unparked {
			m.order.gone(u.Place, u.Hop)
		}
	case Recalled:
		m.recalls.under = false
	case Shed:
		m.shedTo(now, in.Keep)
	case UplinkLost:
		m.away, m.canary = true, false
	case UplinkBack:
		m.away, m.canary = false, false
	case Canary:
		m.canary = m.away
	}
}

// Waiting and InFlight count the leases in hand.
func (m *Machine) Waiting() int { return m.waiting.Len() + len(m.early) }

// InFlight counts the attempts under way.
func (m *Machine) InFlight() int { return m.inFlight }

func (m *Machine) leased(now time.Time, l *Delivery) {
	if !l.fresh() {
		m.recalls.inRow = 0
	}
	if m.policy.Ordered {
		m.order.gone(l.Place(), l.Hop)
	}
	switch {
	case m.draining:
		m.do(Effect{Do: Release, Delivery: l})
	case m.policy.Closed != "":
		m.do(Effect{Do: Bury, Delivery: l, Reason: m.policy.Closed})
	case m.policy.Ordered:
		m.waiting.Insert(l, inOrder)
	case l.Due.After(now):
		m.tooEarly(now, l)
	case l.fresh() && m.parked.Ready > 0 && m.narrow(now):
		m.parkForRoom(now, l) // behind what waits already
	default:
		m.waiting.Push(l)
	}
}

func (m *Machine) putAside(now time.Time, l *Delivery) {
	if m.draining || m.policy.Closed != "" {
		m.leased(now, l)
		return
	}
	m.order.gone(l.Place(), l.Hop)
	m.parkForRoom(now, l)
}

// tooEarly keeps what is due soon in hand, and parks the rest again.
func (m *Machine) tooEarly(now time.Time, l *Delivery) {
	if l.Due.Sub(now) > inHandFor {
		m.park(now, l, l.Due)
		return
	}
	i := len(m.early)
	for i > 0 && m.early[i-1].Due.After(l.Due) {
		i--
	}
	m.early = append(m.early, nil)
	copy(m.early[i+1:], m.early[i:])
	m.early[i] = l
}

// ripen moves what has come due to what waits.
func (m *Machine) ripen(now time.Time) {
	n := 0
	for n < len(m.early) && (m.draining || m.policy.Closed != "" || !m.early[n].Due.After(now)) {
		m.waiting.Push(m.early[n])
		n++
	}
	if m.early = m.early[n:]; len(m.early) == 0 {
		m.early = nil
	}
}

// work starts what may start now, parks what must not wait in hand, and says
// when to look again.
func (m *Machine) work(now time.Time) {
	if len(m.early) > 0 {
		m.ripen(now)
	}
	var next time.Time
	for m.waiting.Len() > 0 {
		l := m.waiting.First()
		if m.settleUnsent(now, l) {
			m.waiting.Pop()
			continue
		}
		open, at := m.gate(now, l)
		if !open {
			next = at
			break
		}
		m.send(now, m.waiting.Pop())
	}
	if m.waiting.Len() > 0 {
		m.parkBeyond(now)
	}
	m.wake(now, soonest(next, m.recall(now)))
}

// settleUnsent ends a lease for which no attempt will be made now.
func (m *Machine) settleUnsent(now time.Time, l *Delivery) bool {
	switch {
	case m.draining:
		m.do(Effect{Do: Release, Delivery: l})
	case m.policy.Closed != "":
		m.do(Effect{Do: Bury, Delivery: l, Reason: m.policy.Closed})
	case m.expired(now, l):
		m.do(Effect{Do: Skip, Delivery: l, Reason: transport.ReasonExpired})
	case m.spent(l) != "":
		m.bury(l, m.spent(l), nil)
	case m.policy.Ordered && l.Due.Sub(now) > inHandFor:
		m.park(now, l, l.Due)
	default:
		return false
	}
	return true
}

// spent gives the reason why a pair that was tried may be tried no more, or "".
func (m *Machine) spent(l *Delivery) string {
	switch {
	case len(l.Tries) == 0:
		return ""
	case !m.policy.Retries:
		return transport.ReasonRetriesOff
	case len(l.Tries) > len(m.policy.Schedule):
		return transport.ReasonExhausted
	}
	return ""
}

// expired: a replay was asked for, however old its event is.
func (m *Machine) expired(now time.Time, l *Delivery) bool {
	return m.policy.MaxAge > 0 && l.Replay == 0 && now.Sub(l.Event.Time) > m.policy.MaxAge
}

func (m *Machine) send(now time.Time, l *Delivery) {
	if m.inFlight == 0 {
		m.silentSince = now
	}
	m.inFlight++
	m.canary = false
	m.ramp.sent(now, m.policy.Tuning)
	l.probe = m.breaker.sent()
	m.do(Effect{Do: Send, Delivery: l, Number: len(l.Tries) + 1})
}

// wake asks to be stepped again at next, or when something comes due.
func (m *Machine) wake(now, next time.Time) {
	if len(m.early) > 0 {
		next = soonest(next, m.early[0].Due)
	}
	if next.Equal(m.wakeAt) && (next.IsZero() || next.After(now)) {
		return
	}
	m.wakeAt = next
	if !next.IsZero() {
		m.do(Effect{Do: Wake, At: next})
	}
}

// soonest is the earlier of two times, of which zero is none.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (m *Machine) do(e Effect) {
	if e.closes() {
		m.close(e.Delivery)
	}
	m.effects = append(m.effects, e)
}
