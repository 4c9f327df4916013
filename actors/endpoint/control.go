package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// control is what both machines go by: an endpoint's policy, breaker, rate,
// growing pace and concurrency, what the receiver asked for, and the memory that
// outlives the machine. It tells whether and when an attempt may begin, and what
// an answer means; which lease is next is the machines' own.
type control struct {
	policy   Policy
	inFlight int
	draining bool
	effects  []Effect
	deliveries

	breaker     *breaker
	limiter     limiter
	concurrency concurrency
	ramp        ramp
	recalls     recalls
	parked      transport.Parked

	silentSince  time.Time // the last answer, or the first send after none was in flight
	heldUntil    time.Time
	holds        int
	failingSince time.Time
	disabled     bool // by its own word, of which the registry does not know yet
	reason       string
	marked       bool // the memory stored last is not empty
	storing      int  // so many writes must be durable before the next send
	away         bool // our own uplink is down: the canary alone goes
	canary       bool
	shed         int // most in hand by the shard's word; 0: no word
	wakeAt       time.Time
}

// maxPanics is how often rendering or sending an event may panic.
const maxPanics = 3

// told takes an input in that is the same for both machines.
func (c *control) told(in *Input) {
	switch in.Kind {
	case 0:
		c.wakeAt = time.Time{} // the alarm is spent, even where it came too early
	case Drained:
		c.draining = true
	case Stored:
		c.storing--
	case Recalled:
		c.recalls.under = false
	case Shed:
		if in.Keep > 0 {
			c.shed = in.Keep
		}
	case UplinkLost:
		c.away, c.canary = true, false
	case UplinkBack:
		c.away, c.canary = false, false
	case Canary:
		c.canary = c.away
	}
}

func (c *control) do(e Effect) {
	if e.closes() {
		c.close(e.Delivery)
	}
	c.effects = append(c.effects, e)
}

// refused ends a lease where the endpoint takes none any more.
func (c *control) refused(l *Delivery) bool {
	switch {
	case c.draining:
		c.do(Effect{Do: Release, Delivery: l})
	case c.policy.Closed != "":
		c.do(Effect{Do: Bury, Delivery: l, Reason: c.policy.Closed})
	default:
		return false
	}
	return true
}

// unsent ends a lease for which no attempt will be made; giveUp is the reason
// where the machine is to give it up.
func (c *control) unsent(now time.Time, l *Delivery) (ended bool, giveUp string) {
	switch {
	case c.refused(l):
		return true, ""
	case c.expired(now, l):
		c.do(Effect{Do: Skip, Delivery: l, Reason: transport.ReasonExpired})
		return true, ""
	}
	return false, c.spent(l)
}

// spent gives the reason why a delivery that was tried may be tried no more, or "".
func (c *control) spent(l *Delivery) string {
	switch {
	case len(l.Tries) == 0:
		return ""
	case !c.policy.Retries:
		return transport.ReasonRetriesOff
	case len(l.Tries) > len(c.policy.Schedule):
		return transport.ReasonExhausted
	}
	return ""
}

// expired: a replay was asked for, however old its event is.
func (c *control) expired(now time.Time, l *Delivery) bool {
	return c.policy.MaxAge > 0 && l.Replay == 0 && now.Sub(l.Event.Time) > c.policy.MaxAge
}

func (c *control) send(now time.Time, l *Delivery) {
	if c.inFlight == 0 {
		c.silentSince = now
	}
	c.inFlight++
	c.canary = false
	c.ramp.sent(now, c.policy.Tuning)
	l.probe = c.breaker.sent(now)
	c.do(Effect{Do: Send, Delivery: l, Number: len(l.Tries) + 1})
}

// park keeps a lease in DEFERRED until at.
func (c *control) park(l *Delivery, at time.Time) {
	c.parked.Entries++
	c.parked.Bytes += int64(l.Event.Size())
	if l.Due.IsZero() {
		c.parked.Ready++
	}
	c.do(Effect{Do: Park, Delivery: l, At: at})
}

// backlogFull: a delivery that was in DEFERRED before may always go back.
func (c *control) backlogFull(l *Delivery) bool {
	if !l.fresh() {
		return false
	}
	return c.policy.MaxWaiting > 0 && c.parked.Entries >= c.policy.MaxWaiting ||
		c.policy.Tuning.MaxWaitingBytes > 0 && c.parked.Bytes+int64(l.Event.Size()) > c.policy.Tuning.MaxWaitingBytes
}

// wake asks to be stepped again at next; zero: when something has happened.
func (c *control) wake(now, next time.Time) {
	if next.Equal(c.wakeAt) && (next.IsZero() || next.After(now)) {
		return
	}
	c.wakeAt = next
	if !next.IsZero() {
		c.do(Effect{Do: Wake, At: next})
	}
}

// soonest is the earlier of two times, of which zero is none.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
