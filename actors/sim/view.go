package sim

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// view is what the judge knows of an endpoint: the settings in effect, and a
// reference of its own for what the endpoint may be sent.
type view struct {
	now, next *transport.Endpoint
	changing  bool // next is on its way in
	version   int  // of the settings
	flying    int
	lastEnd   time.Duration
	closed    bool // by its own node's word, ahead of the registry
	hold      moment
	breaker   reference
	kept      struct { // durable
		hold    moment
		breaker reference
	}
	// level is how full the token bucket is that the receiver is measured by, at
	// the time of its last request.
	level float64
	at    time.Duration
	// mostTries is the most attempts that any of its settings allowed.
	mostTries int
	// ordered since the log was as long as orderedFrom; all up to head have ended.
	ordered     bool
	orderedFrom uint64
	head        uint64
	// arrived are the events that reached the receiver since then, up to highest.
	arrived map[uint64]bool
	highest uint64
}

// orderFrom: from here on the endpoint is ordered.
func (s *view) orderFrom(last uint64) {
	s.orderedFrom, s.highest, s.arrived = last, 0, map[uint64]bool{}
}

func (s *view) settings() []*transport.Endpoint {
	if s.changing {
		return []*transport.Endpoint{s.now, s.next}
	}
	return []*transport.Endpoint{s.now}
}

// leastWait is the shortest wait after that many attempts.
func (s *view) leastWait(made int) time.Duration {
	least := time.Duration(-1)
	for _, ep := range s.settings() {
		wait := time.Duration(0)
		if ep != nil && made <= len(ep.Delivery.Schedule) {
			d := time.Duration(ep.Delivery.Schedule[made-1])
			wait = d - time.Duration(ep.Delivery.Jitter*float64(d)) - 1
		}
		if least < 0 || wait < least {
			least = wait
		}
	}
	return least
}

// asked is how long the endpoint waits at least after an answer of 429 or 503.
func (s *view) asked(retryAfter, wait time.Duration) time.Duration {
	if retryAfter > 0 {
		return retryAfter
	}
	if wait > 0 {
		return min(10*time.Second, wait)
	}
	return 0
}

// changing: settings are on their way into effect.
func (j *judge) changing(rcv *receiver, next *transport.Endpoint) {
	s := &rcv.view
	s.changing, s.next = true, next
	if next != nil && next.Delivery.Retries {
		s.mostTries = max(s.mostTries, 1+len(next.Delivery.Schedule))
	}
	s.mostTries = max(s.mostTries, 1)
}

// changed: they are in effect.
func (j *judge) changed(rcv *receiver, next *transport.Endpoint) {
	s := &rcv.view
	was := s.now
	s.now, s.next, s.changing = next, nil, false
	ordered := next != nil && next.Delivery.Ordered
	if ordered && !s.ordered {
		s.orderFrom(j.w.log.last())
	}
	s.ordered = ordered
	if was == next {
		return
	}
	s.version++
	s.highest = 0 // it may want events that it did not want before
	s.level = 0
	if was == nil || next == nil {
		return
	}
	moved := was.URL != next.URL
	if moved || stopped(was) && !stopped(next) {
		s.breaker, s.closed = reference{}, false
	}
	if moved {
		s.hold = moment{}
	}
	j.w.note(line{what: "change in effect", endpoint: rcv.id, more: next.State})
}

func stopped(ep *transport.Endpoint) bool {
	return endpoint.IsClosed(ep) || ep.State == transport.StatePaused
}

// told: the endpoint's machine says how it stands.
func (j *judge) told(rcv *receiver, news string) {
	switch news {
	case transport.NewsRecovered:
		rcv.view.breaker.n = 0 // counted from here on
	case transport.NewsFailing:
		rcv.view.breaker.opened(j.w.nodeNow(), &j.w.plan.tuning)
	default:
		j.disabled(rcv)
	}
}

// disabled: the machine closed the endpoint by what it was answered.
func (j *judge) disabled(rcv *receiver) {
	s := &rcv.view
	s.closed, s.hold, s.breaker = true, moment{}, reference{}
}

// remembering takes what is known at the end of this step as durable when the
// memory that is being stored is.
func (j *judge) remembering(id string) (keep func()) {
	s := &j.w.byID[id].view
	then := s.kept
	j.captures = append(j.captures, func() { then.hold, then.breaker = s.hold, s.breaker })
	return func() { s.kept = then }
}

// started judges an attempt as it leaves.
func (j *judge) started(a *attempt) {
	d, s, w := j.delivery(a.pair), &a.rcv.view, j.w
	now := w.nodeNow()
	if s.flying == 0 && w.now-s.lastEnd >= w.plan.idle {
		// One that was idle forgets all but its failures in a row, and goes by the registry.
		s.breaker.n, s.closed = 0, false
	}
	switch {
	case !d.owed:
		w.breaks("2: only what is owed is sent", "pair %v is in no fan-out", a.pair)
	case d.final != "" && !d.doubled:
		w.breaks("5: what is journaled is not sent again", "pair %v had %s", a.pair, d.final)
	case (d.decided != "" || d.took) && !d.doubled:
		w.breaks("5: what was answered is not sent again", "pair %v had %s", a.pair, d.decided)
	case d.flying && !d.doubled:
		w.breaks("2: a pair is sent once at a time", "pair %v is in flight", a.pair)
	case s.shut():
		w.breaks("7: a change holds from the next attempt on", "%s is closed or paused, and was sent pair %v", a.rcv.id, a.pair)
	case s.flying >= s.limit():
		w.breaks("3: never more in flight than the concurrency", "%d in flight at %s, which takes %d", s.flying+1, a.rcv.id, s.limit())
	case w.ahead(d.notBefore) > 0 && !d.doubled:
		w.breaks("3: never sooner than the schedule", "pair %v was sent %v too soon", a.pair, w.ahead(d.notBefore))
	case w.ahead(s.hold) > 0 && !s.changing:
		w.breaks("3: never sooner than Retry-After", "%s was sent pair %v %v too soon", a.rcv.id, a.pair, w.ahead(s.hold))
	case a.number != d.tries+1 && !d.doubled:
		w.breaks("3: attempts are counted", "pair %v: attempt %d, after %d", a.pair, a.number, d.tries)
	}
	if s.breaker.open && !s.breaker.unsure {
		if (s.breaker.probing || now.Before(s.breaker.until)) && !s.changing {
			w.breaks("4: an open breaker sends nothing but its probe", "%s was sent pair %v (probing %v, open for %v)",
				a.rcv.id, a.pair, s.breaker.probing, s.breaker.until.Sub(now))
		}
		s.breaker.probing, d.probe = true, true
	}
	if s.ordered && !s.changing {
		j.inOrder(a)
	}
	d.flying = true
	s.flying++
}

// shut: nothing may be sent, whichever settings are in effect.
func (s *view) shut() bool {
	if s.closed && !s.changing {
		return true
	}
	for _, ep := range s.settings() {
		if !stopped(ep) {
			return false
		}
	}
	return true
}

func (s *view) limit() (most int) {
	for _, ep := range s.settings() {
		switch {
		case ep == nil:
		case ep.Delivery.Ordered:
			most = max(most, 1)
		default:
			most = max(most, ep.Delivery.Concurrency)
		}
	}
	return most
}

// inOrder is invariant 6: every event before this one that the endpoint is owed
// has ended.
func (j *judge) inOrder(a *attempt) {
	s := &a.rcv.view
	if a.pair.Replay != 0 || a.pair.Seq <= s.orderedFrom {
		return
	}
	s.head = max(s.head, s.orderedFrom)
	behind := true
	for seq := s.head + 1; seq < a.pair.Seq; seq++ {
		ev := j.w.log.at(seq).event
		d := j.byPair[transport.Pair{Seq: seq, Endpoint: a.rcv.id}]
		waits := d != nil && d.owed && d.decided == "" ||
			!j.passed[seq] && wants(s.now, ev) && ev.DuplicateOf == 0 && !j.w.log.at(seq).unreadable
		if waits {
			j.w.breaks("6: ordered endpoints receive in log order", "%s was sent %d before %d", a.rcv.id, a.pair.Seq, seq)
			return
		}
		ended := j.passed[seq] && (d == nil || !d.owedKept && !d.owed || d.final != "")
		if behind = behind && ended; behind && j.w.log.floor >= seq {
			s.head = seq
		}
	}
}

// arrivedInOrder: an ordered endpoint sees an event for the first time before it
// sees any later one; but for one that nobody wanted when it came first, of which no
// record tells: after a kill other settings may want it.
func (j *judge) arrivedInOrder(a *attempt) {
	s := &a.rcv.view
	if !s.ordered || a.pair.Replay != 0 || a.pair.Seq <= s.orderedFrom {
		return
	}
	if s.changing {
		s.arrived[a.pair.Seq] = true
		return
	}
	if !s.arrived[a.pair.Seq] && a.pair.Seq < s.highest && !j.delivery(a.pair).doubled && !j.unwanted[a.pair.Seq] {
		j.w.breaks("6: ordered endpoints receive in log order", "%s received %d for the first time after %d", a.rcv.id, a.pair.Seq, s.highest)
	}
	s.arrived[a.pair.Seq], s.highest = true, max(s.highest, a.pair.Seq)
}

// answered sees what comes back, before the endpoint does.
func (j *judge) answered(a *attempt, answer *transport.Answer) {
	d, s := j.delivery(a.pair), &a.rcv.view
	d.flying, d.retryAfter = false, answer.RetryAfter
	s.flying--
	s.lastEnd = j.w.now
	switch answer.Class {
	case transport.Delivered:
		d.took = true
		j.w.delivered++
	case transport.Aborted:
		if d.probe {
			s.breaker.probing, d.probe = false, false
		}
	}
}
