package endpoint

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// answered takes the end of an attempt in: what it tells about the endpoint
// first, then what becomes of the pair.
func (m *Machine) answered(now time.Time, in *Input) {
	l, a := in.Delivery, in.Answer
	probe := m.breaker.awaits(l.probe)
	l.probe = 0
	m.inFlight--
	m.silentSince = now
	if m.policy.Ordered {
		m.order.gone(l.Place(), l.Hop)
	}
	if a.Class == transport.Skip {
		m.breaker.unsent(probe)
		m.do(Effect{Do: Skip, Delivery: l, Reason: a.Reason})
		return
	}
	m.bucket.answered(now)
	if a.Resent {
		m.bucket.answered(now) // the receiver may have seen it twice
	}
	switch a.Class {
	case transport.Aborted:
		m.breaker.unsent(probe)
		m.do(Effect{Do: Release, Delivery: l})
	case transport.Delivered:
		m.do(Effect{Do: Record, Delivery: l, Number: len(l.Tries) + 1, Answer: a, Began: in.Began})
		m.succeeded(now, in, probe)
	default:
		m.undelivered(now, in, probe)
	}
}

// undelivered parks the pair for its next attempt, or gives it up.
func (m *Machine) undelivered(now time.Time, in *Input, probe bool) {
	l, a := in.Delivery, in.Answer
	l.Tries = append(l.Tries, transport.Try{At: in.Began, Took: a.Took, Status: a.Status, Class: a.Class, Reason: a.Reason})
	made := len(l.Tries)
	wait, last := time.Duration(0), m.hopeless(l, a)
	if last == "" {
		wait, _ = m.policy.wait(now, made)
	}
	m.judge(now, in, probe, wait, last != "")
	if last == "" {
		last = m.policy.Closed // by what this attempt told
	}
	record := Effect{Do: Record, Delivery: l, Number: made, Answer: a, Began: in.Began}
	if last != "" {
		m.do(record)
		m.bury(l, last, a)
		return
	}
	l.Due = now.Add(max(wait, a.RetryAfter))
	record.At = l.Due
	m.do(record)
	m.park(now, l, l.Due)
}

// bury gives the pair up. An ordered endpoint goes on when that is durable: a
// pair that came again after a crash would come behind the next.
func (m *Machine) bury(l *Delivery, reason string, last *transport.Answer) {
	wait := m.policy.Ordered && m.policy.Closed == "" && !m.draining
	if wait {
		m.storing++
	}
	m.do(Effect{Do: Bury, Delivery: l, Reason: reason, Answer: last, Wait: wait})
}

// hopeless gives the reason why no further attempt will be made, or "".
func (m *Machine) hopeless(l *Delivery, a *transport.Answer) string {
	switch {
	case m.policy.Closed != "":
		return m.policy.Closed
	case a.Reason == transport.ReasonUnrenderable:
		return transport.ReasonUnrenderable
	case a.Reason == transport.ReasonPanic && panics(l.Tries) >= maxPanics:
		return transport.ReasonPanic
	case a.Class == transport.Gone && m.policy.GoneAtOnce:
		return transport.ReasonGone
	}
	return m.spent(l)
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
func (m *Machine) succeeded(now time.Time, in *Input, probe bool) {
	m.holds = 0
	m.concurrency.answered(now, in.Began, in.Answer.Took)
	if !m.breaker.succeeded(now, probe) {
		if m.marked && m.well(now) {
			m.remember()
		}
		return
	}
	m.ramp = ramp{from: now}
	since := m.failingSince
	m.failingSince, m.reason = time.Time{}, ""
	m.remember()
	m.do(Effect{Do: Tell, News: transport.NewsRecovered, Since: since})
}

// well tells whether all that was held against the endpoint is over, and
// forgets it.
func (m *Machine) well(now time.Time) bool {
	if m.breaker.open() || m.breaker.opens > 0 || m.ramp.pace(now, m.policy.Tuning) > 0 ||
		m.concurrency.cutTo() > 0 || m.heldUntil.After(now) {
		return false
	}
	m.breaker.closedAt, m.heldUntil, m.ramp, m.reason = time.Time{}, time.Time{}, ramp{}, ""
	return true
}

// judge is what an attempt that did not deliver tells about the endpoint; wait
// is until the pair's next attempt by its schedule, last that there is none.
func (m *Machine) judge(now time.Time, in *Input, probe bool, wait time.Duration, last bool) {
	a := in.Answer
	switch {
	case m.policy.Closed != "":
		m.breaker.excluded(now, probe)
	case a.Class == transport.Throttled:
		m.throttled(now, in, probe, wait)
	case in.Ours || !counts(a):
		m.breaker.excluded(now, probe)
	case a.Class == transport.Gone && (m.policy.GoneAtOnce || last):
		m.breaker.excluded(now, probe)
		m.disable(now, goneReason(a))
	default:
		m.failed(now, in, probe)
	}
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
func (m *Machine) throttled(now time.Time, in *Input, probe bool, wait time.Duration) {
	m.breaker.excluded(now, probe)
	if m.concurrency.cut(now, in.Began, cutThrottled) {
		m.holds++
	}
	hold := in.Answer.RetryAfter
	if hold <= 0 {
		hold = doubling(m.policy.Tuning.BreakerWait, m.policy.Tuning.BreakerMost, m.holds)
		if wait > 0 {
			hold = min(hold, wait)
		}
	}
	until := now.Add(hold)
	if !until.After(m.heldUntil) {
		return
	}
	m.heldUntil = until
	if m.failingSince.IsZero() {
		m.reason = reasonOf(in.Answer)
	}
	if hold > inHandFor {
		m.ramp = ramp{from: until}
	}
	m.remember()
}

// failed counts a failure of the endpoint's.
func (m *Machine) failed(now time.Time, in *Input, probe bool) {
	if in.Answer.Reason == transport.ReasonTimeout {
		m.concurrency.cut(now, in.Began, cutThrottled)
	}
	if !m.breaker.failed(now, probe, m.policy.stretch(now, m.breaker.opens)) {
		return
	}
	m.reason = reasonOf(in.Answer)
	m.ramp, m.slots = ramp{}, slots{lap: m.slots.lap}
	began := m.failingSince.IsZero()
	if began {
		m.failingSince = now
	}
	if now.Sub(m.failingSince) >= m.policy.Tuning.FailingMost {
		m.disable(now, "failing for "+daysOf(now.Sub(m.failingSince))+", last: "+m.reason)
		return
	}
	m.remember()
	if began {
		m.do(Effect{Do: Tell, News: transport.NewsFailing, Reason: m.reason, Since: now})
	}
}

// disable ends deliveries until someone enables the endpoint again. Settings
// that were on their way meanwhile do not: they are from before.
func (m *Machine) disable(now time.Time, reason string) {
	m.do(Effect{Do: Tell, News: transport.NewsDisabled, Reason: reason, Since: m.failingSince})
	m.disabled, m.policy.Closed = true, transport.ReasonEndpointDisabled
	m.forgive()
	m.heldUntil = time.Time{}
	m.remember()
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
