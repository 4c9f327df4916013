package endpoint

import (
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// checkSend holds what must be true of every attempt that begins.
func (w *world) checkSend(e *Effect, p *pair) {
	most := w.policy.Concurrency
	if w.policy.Ordered || w.away {
		most = 1
	}
	number, attempts := len(p.tries)+1, 1
	if w.policy.Retries {
		attempts += len(w.policy.Schedule)
	}
	switch {
	case w.policy.Paused || w.reference.disabled:
		w.t.Fatalf("pair %v sent by an endpoint that is paused or disabled", p.Pair)
	case w.away && !w.canary:
		w.t.Fatalf("pair %v sent though our own uplink is down", p.Pair)
	case w.storing > 0:
		w.t.Fatalf("pair %v sent before what is to be remembered is stored", p.Pair)
	case len(w.flying) >= most:
		w.t.Fatalf("pair %v sent beside %d, the endpoint takes %d", p.Pair, len(w.flying), most)
	case w.now.Before(p.earliest) || w.now.Before(p.due):
		w.t.Fatalf("pair %v sent at %s, it is due at %s and allowed at %s", p.Pair, w.now, p.due, p.earliest)
	case w.now.Before(w.reference.asked):
		w.t.Fatalf("pair %v sent at %s, the receiver asked to wait until %s", p.Pair, w.now, w.reference.asked)
	case !w.reference.allows(w.now):
		w.t.Fatalf("pair %v sent through an open breaker", p.Pair)
	case e.Number != number || number > attempts:
		w.t.Fatalf("attempt %d of %v, which made %d of %d", e.Number, p.Pair, len(p.tries), attempts)
	case w.policy.MaxAge > 0 && p.Replay == 0 && w.now.Sub(p.event.Time) > w.policy.MaxAge:
		w.t.Fatalf("pair %v sent though it is too old", p.Pair)
	case w.policy.Ordered:
		w.checkOrder(p)
	}
}

func (w *world) checkOrder(p *pair) {
	if w.lists > 0 {
		w.t.Fatalf("pair %v sent before it is known what is parked", p.Pair)
	}
	for _, o := range w.pairs {
		if (!o.ended || o.burying) && o.place().Before(p.place()) {
			w.t.Fatalf("pair %v sent before %v", p.Pair, o.Pair)
		}
	}
}

// check holds what must be true after every step.
func (w *world) check() {
	m, r := w.m, &w.reference
	if m.InFlight() != len(w.flying) {
		w.t.Fatalf("%d in flight, the machine counts %d", len(w.flying), m.InFlight())
	}
	if more := m.breaker.until.Sub(r.until); r.open && more >= 0 && more <= r.loose {
		r.until, r.loose = m.breaker.until, 0
	}
	if m.breaker.open() != r.open || r.open && !m.breaker.until.Equal(r.until) || m.breaker.opens != r.opens {
		w.t.Fatalf("breaker %t until %s (%d times), should be %t until %s (%d times)",
			m.breaker.open(), m.breaker.until, m.breaker.opens, r.open, r.until, r.opens)
	}
	if waits := m.queued(); w.lists == 0 && w.storing == 0 && waits > w.mayWait() {
		w.t.Fatalf("%d wait in hand, at most %d should", waits, w.mayWait())
	}
}

// mayWait is how many may wait in hand for a later moment.
func (w *world) mayWait() int {
	p, r, most := &w.policy, &w.reference, 1<<30
	if w.m.shed > 0 {
		most = w.m.shed
	}
	switch {
	case p.Paused:
		return 0
	case r.probe != nil:
		return min(most, transport.MaxSegmentEntries)
	case w.away:
		return min(most, p.Concurrency)
	case r.open && r.until.Sub(w.now) > inHandFor || r.asked.Sub(w.now) > inHandFor:
		return 0
	case p.Rate > 0:
		return min(most, int(p.Rate*inHandFor.Seconds())+max(1, p.Burst)+1)
	}
	return most
}

// end lets the receiver be well and everything go: then all ends, in a time
// that its limits explain, and the machine comes to rest.
func (w *world) end() {
	w.mood, w.quiet = well, true
	if w.away {
		w.uplink()
	}
	w.resume()
	open := 0
	for _, p := range w.pairs {
		if !p.ended {
			open++
		}
	}
	most := 2*time.Hour + time.Duration(open)*500*time.Millisecond
	if w.policy.Rate > 0 {
		most += seconds(1.2 * float64(open) / w.policy.Rate)
	}
	w.pass(w.now.Add(most))
	for _, p := range w.pairs {
		if !p.ended {
			w.t.Fatalf("pair %v has no end after %s: parked %t, coming %t, due %s, back at %s", p.Pair, most, p.parked, p.coming, p.due, p.backAt)
		}
	}
	if len(w.hand) > 0 || w.count != (transport.Parked{}) || w.m.shed != 0 {
		w.t.Fatalf("%d in hand, %v parked, %d may wait", len(w.hand), w.count, w.m.shed)
	}
	if !w.wake.IsZero() {
		w.t.Fatalf("an endpoint with nothing to do wakes up at %s", w.wake)
	}
	w.arrivals.verify(w)
}

// arrivals are when requests reached the receiver, by its own clock, since the
// limit is what it is.
type arrivals struct {
	rate  float64
	burst int
	since time.Time
	at    []time.Time
}

func (a *arrivals) add(at time.Time) { a.at = append(a.at, at) }

// cut: no request of before arrives after the node has broken down.
func (a *arrivals) cut(now time.Time) {
	for i, at := range a.at {
		if at.After(now) {
			a.at[i] = now
		}
	}
}

// limit begins anew with a changed limit, which holds for what is sent from now on.
func (a *arrivals) limit(w *world, p *Policy) {
	a.verify(w)
	a.rate, a.burst, a.since, a.at = p.Rate, max(1, p.Burst), w.now, nil
}

// verify: no window holds more than burst + rate × its length.
func (a *arrivals) verify(w *world) {
	if a.rate == 0 {
		return
	}
	var at []time.Time
	for _, t := range a.at {
		if !t.Before(a.since) && !t.After(w.now) {
			at = append(at, t)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	lowest := 0.0
	for i, t := range at {
		x := float64(i) - a.rate*t.Sub(a.since).Seconds()
		if i == 0 {
			lowest = x
		}
		lowest = min(lowest, x)
		if over := x - lowest + 1 - float64(a.burst); over > 1e-3 {
			w.t.Fatalf("%.3f more than %d + %g/s × the time arrived by %s", over, a.burst, a.rate, t)
		}
	}
}

// reference is a breaker, and what the receiver asked for, told anew.
type reference struct {
	open, disabled bool
	until          time.Time
	loose          time.Duration // how much later than until it may be that
	opens          int
	closedAt       time.Time
	failures       []bool // of the attempts since it closed, oldest first
	probe          *Lease
	asked          time.Time
}

func (r *reference) allows(now time.Time) bool {
	return !r.open || r.probe == nil && !now.Before(r.until)
}

func (r *reference) sent(_ time.Time, l *Lease) {
	if r.open {
		r.probe = l
	}
}

func (r *reference) answered(w *world, l *Lease, _ *flight, a *transport.Answer, ours, last bool) {
	probe := r.probe == l
	if probe {
		r.probe = nil
	}
	nothing := a.Class == transport.Refused || a.Class == transport.Throttled || a.Reason == transport.ReasonLocal || ours
	switch {
	case a.Class == transport.Skip:
	case a.Class == transport.Delivered && probe:
		r.open, r.until, r.closedAt, r.failures = false, time.Time{}, w.now, nil
	case a.Class == transport.Delivered && !r.open:
		r.counted(w.now, false, 0)
	case a.Class == transport.Delivered || r.disabled:
	case nothing && probe:
		r.until = w.now.Add(10 * time.Second)
	case nothing:
	case a.Class == transport.Gone && (w.policy.GoneAtOnce || last):
		*r = reference{disabled: true}
	case r.open && !probe:
	default:
		r.counted(w.now, true, w.policy.Jitter)
	}
	if a.Class == transport.Throttled && !r.disabled {
		r.asked = later(r.asked, w.now.Add(a.RetryAfter))
	}
}

// counted takes an attempt that says something about the endpoint.
func (r *reference) counted(now time.Time, failed bool, jitter float64) {
	if !r.open {
		if now.Sub(r.closedAt) >= r.wait() {
			r.opens = 0
		}
		r.failures = append(r.failures, failed)
		if !r.ripe() || !failed {
			return
		}
	}
	r.open = true
	r.opens++
	r.until = now.Add(r.wait())
	r.loose = time.Duration(jitter * float64(r.wait()))
}

func (r *reference) wait() time.Duration {
	wait := 10 * time.Second
	for n := 1; n < r.opens; n++ {
		wait = min(2*wait, 10*time.Minute)
	}
	return wait
}

// ripe: five failures in a row, or half of the last twenty.
func (r *reference) ripe() bool {
	n := len(r.failures)
	five := n >= 5 && !slices.Contains(r.failures[n-5:], false)
	failed := 0
	for _, f := range r.failures[max(0, n-20):] {
		if f {
			failed++
		}
	}
	return five || n >= 20 && failed >= 10
}

func (r *reference) changed(resumed, moved bool) {
	asked := r.asked
	if resumed || moved {
		*r = reference{asked: asked}
	}
	if moved {
		r.asked = time.Time{}
	}
}

func (r *reference) restarted() { r.failures, r.probe, r.disabled = nil, nil, false }

// queued is how many leases wait in hand that are not early.
func (m *Machine) queued() int {
	if m.policy.Ordered {
		return m.ordered.queue.Len()
	}
	return m.free.queue.Len()
}
