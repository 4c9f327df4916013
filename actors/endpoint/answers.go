package endpoint

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// verdict is what becomes of a delivery after an attempt, where it has not ended.
type verdict struct {
	// again: it is to be parked until its lease's Due.
	again bool
	// giveUp is the reason to give it up with; empty: it is not given up.
	giveUp string
	// opened: the breaker opened, or stays open for another wait.
	opened bool
	// unsent: the attempt was none, and is to be made again when one may begin.
	unsent bool
}

const reasonHalted = "halted"

// Halted is the answer of an attempt that was not sent, or was cut, while another
// node may have owned the shard. It is no attempt: the delivery waits in hand, in
// its place, until it may go.
var Halted = transport.Answer{Class: transport.Aborted, Reason: reasonHalted, Detail: "another node may own the shard"}

// judged takes the end of an attempt in: what it tells about the endpoint first,
// then what becomes of the delivery.
func (c *control) judged(now time.Time, in *Input) (v verdict) {
	l, a := in.Delivery, in.Answer
	probe := c.breaker.awaits(l.probe)
	l.probe = 0
	c.inFlight--
	c.silentSince = now
	if a.Class == transport.Skip {
		c.breaker.unsent(probe)
		c.do(Effect{Do: Skip, Delivery: l, Reason: a.Reason})
		return v
	}
	c.limiter.answered(now)
	if a.Resent {
		c.limiter.answered(now) // the receiver may have seen it twice
	}
	switch a.Class {
	case transport.Aborted:
		c.breaker.unsent(probe)
		if v.unsent = a.Reason == reasonHalted && !c.draining; !v.unsent {
			c.do(Effect{Do: Release, Delivery: l})
		}
	case transport.Delivered:
		c.do(Effect{Do: Record, Delivery: l, Number: len(l.Tries) + 1, Answer: a, Began: in.Began})
		c.succeeded(now, in, probe)
	default:
		v = c.undelivered(now, in, probe)
	}
	return v
}

// undelivered records an attempt that did not deliver, and plans the next one
// where there is one.
func (c *control) undelivered(now time.Time, in *Input, probe bool) (v verdict) {
	l, a := in.Delivery, in.Answer
	l.Tries = append(l.Tries, transport.Try{At: in.Began, Took: a.Took, Status: a.Status, Class: a.Class, Reason: a.Reason})
	made, wait := len(l.Tries), time.Duration(0)
	if v.giveUp = c.hopeless(l, a); v.giveUp == "" {
		wait, _ = c.policy.wait(now, made)
	}
	v.opened = c.judge(now, in, probe, wait, v.giveUp != "")
	if v.giveUp == "" {
		v.giveUp = c.policy.Closed // by what this attempt told
	}
	record := Effect{Do: Record, Delivery: l, Number: made, Answer: a, Began: in.Began}
	if v.again = v.giveUp == ""; v.again {
		l.Due = now.Add(max(wait, a.RetryAfter))
		record.At = l.Due
	}
	c.do(record)
	return v
}

// hopeless gives the reason why no further attempt will be made, or "".
func (c *control) hopeless(l *Delivery, a *transport.Answer) string {
	switch {
	case c.policy.Closed != "":
		return c.policy.Closed
	case a.Reason == transport.ReasonUnrenderable:
		return transport.ReasonUnrenderable
	case a.Reason == transport.ReasonPanic && panics(l.Tries) >= maxPanics:
		return transport.ReasonPanic
	case a.Class == transport.Gone && c.policy.GoneAtOnce:
		return transport.ReasonGone
	}
	return c.spent(l)
}

func panics(tries []transport.Try) (n int) {
	for _, t := range tries {
		if t.Reason == transport.ReasonPanic {
			n++
		}
	}
	return n
}

// succeeded: the endpoint is well, and may be given more.
func (c *control) succeeded(now time.Time, in *Input, probe bool) {
	c.holds = 0
	c.concurrency.answered(now, in.Began, in.Answer.Took)
	if !c.breaker.succeeded(now, probe) {
		if c.marked && c.well(now) {
			c.remember()
		}
		return
	}
	c.ramp = ramp{from: now}
	since := c.failingSince
	c.failingSince, c.reason = time.Time{}, ""
	c.remember()
	c.do(Effect{Do: Tell, News: transport.NewsRecovered, Since: since})
}

// well tells whether all that was held against the endpoint is over, and
// forgets it.
func (c *control) well(now time.Time) bool {
	if c.breaker.open() || c.breaker.opens > 0 || c.ramp.pace(now, c.policy.Tuning) > 0 ||
		c.concurrency.cutTo() > 0 || c.heldUntil.After(now) {
		return false
	}
	c.breaker.closedAt, c.heldUntil, c.ramp, c.reason = time.Time{}, time.Time{}, ramp{}, ""
	return true
}

// judge is what an attempt that did not deliver tells about the endpoint; wait
// is until the delivery's next attempt by its schedule, last that there is none.
// It is true where the breaker opened, or stays open for another wait.
func (c *control) judge(now time.Time, in *Input, probe bool, wait time.Duration, last bool) (opened bool) {
	a := in.Answer
	switch {
	case c.policy.Closed != "":
		c.breaker.excluded(now, probe)
	case a.Class == transport.Throttled:
		c.throttled(now, in, probe, wait)
	case in.Ours || !counts(a):
		c.breaker.excluded(now, probe)
	case a.Class == transport.Gone && (c.policy.GoneAtOnce || last):
		c.breaker.excluded(now, probe)
		c.disable(now, goneReason(a))
	default:
		return c.failed(now, in, probe)
	}
	return false
}

// counts tells whether an attempt that did not deliver is the endpoint's own
// failure: what is ours is not theirs.
func counts(a *transport.Answer) bool {
	if a.Class != transport.Failed && a.Class != transport.Gone {
		return false
	}
	switch a.Reason {
	case transport.ReasonLocal, transport.ReasonProxy, transport.ReasonRelay, transport.ReasonPanic, transport.ReasonUnrenderable:
		return false
	}
	return true
}

// throttled: the whole endpoint waits, as long as it asked for; where it did
// not say, as long as the pair's own wait, but no longer than a breaker would
// be open that many times in a row.
func (c *control) throttled(now time.Time, in *Input, probe bool, wait time.Duration) {
	c.breaker.excluded(now, probe)
	if c.concurrency.cut(now, in.Began, cutThrottled) {
		c.holds++
	}
	hold := in.Answer.RetryAfter
	if hold <= 0 {
		hold = doubling(c.policy.Tuning.BreakerWait, c.policy.Tuning.BreakerMost, c.holds)
		if wait > 0 {
			hold = min(hold, wait)
		}
	}
	until := now.Add(hold)
	if !until.After(c.heldUntil) {
		return
	}
	c.heldUntil = until
	if c.failingSince.IsZero() {
		c.reason = reasonOf(in.Answer)
	}
	if hold > inHandFor {
		c.ramp = ramp{from: until}
	}
	c.remember()
}

// failed counts a failure of the endpoint's; see judge.
func (c *control) failed(now time.Time, in *Input, probe bool) (opened bool) {
	if in.Answer.Reason == transport.ReasonTimeout {
		c.concurrency.cut(now, in.Began, cutThrottled)
	}
	if !c.breaker.failed(now, probe, c.policy.stretch(now, c.breaker.opens)) {
		return false
	}
	c.reason = reasonOf(in.Answer)
	c.ramp = ramp{}
	began := c.failingSince.IsZero()
	if began {
		c.failingSince = now
	}
	if now.Sub(c.failingSince) >= c.policy.Tuning.FailingMost {
		c.disable(now, "failing for "+daysOf(now.Sub(c.failingSince))+", last: "+c.reason)
		return true
	}
	c.remember()
	if began {
		c.do(Effect{Do: Tell, News: transport.NewsFailing, Reason: c.reason, Since: now})
	}
	return true
}

// disable ends deliveries until someone enables the endpoint again. Settings
// that were on their way meanwhile do not: they are from before.
func (c *control) disable(now time.Time, reason string) {
	c.do(Effect{Do: Tell, News: transport.NewsDisabled, Reason: reason, Since: c.failingSince})
	c.disabled, c.policy.Closed = true, transport.ReasonEndpointDisabled
	c.forgive()
	c.heldUntil = time.Time{}
	c.remember()
}

func reasonOf(a *transport.Answer) string {
	if a.Status != 0 {
		return "status " + strconv.Itoa(a.Status)
	}
	return a.Reason
}

// goneReason says in what words the receiver told that it wants no more: a web
// server's status, or what a mail server answered.
func goneReason(a *transport.Answer) string {
	if a.Status == http.StatusGone {
		return "the endpoint answered 410 Gone"
	}
	return cmp.Or(a.Detail, "the receiver is gone")
}

// daysOf says how long something went on, in whole days where that is right.
func daysOf(d time.Duration) string {
	hours := int(d.Round(time.Hour).Hours())
	if hours%24 == 0 && hours > 24 {
		return strconv.Itoa(hours/24) + " days"
	}
	return strconv.Itoa(hours) + " hours"
}
