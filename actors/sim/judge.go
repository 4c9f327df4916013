package sim

import (
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// judge holds the invariants of design.md against what it sees at the edges. It
// knows nothing of the machines but what they promise.
type judge struct {
	w      *world
	byPair map[transport.Pair]*delivery
	all    []*delivery
	// owed are the pairs of an event by its durable fan-out; wanted is how many
	// the shard said there were.
	owed     map[uint64][]*delivery
	wanted   map[uint64]int
	unwanted map[uint64]bool // by nobody, when they came first
	passed   map[uint64]bool // events that were routed, or skipped
	skipped  map[uint64]bool
	// captures copy what the judge knows of an endpoint, at the end of the step.
	captures   []func()
	scans      int
	anyDoubled bool
	unseen     int                            // pairs that were acked late in this life, see ackedLate
	writers    [lease.Streams]transport.Owner // of each stream, by what it took last
}

// delivery is what became of one (event, endpoint, replay). Fields named kept are
// durable; the others are forgotten with the node.
type delivery struct {
	pair transport.Pair
	rcv  *receiver

	owed, owedKept           bool
	final                    string // durable
	decided                  string
	flying, probe, took      bool
	tries, triesKept         int
	carried                  int // attempts that a message of DEFERRED tells of
	number                   int // of the last attempt that the journal tells of
	notBefore, notBeforeKept moment
	retryAfter               time.Duration // of the last answer
	segments                 int           // messages of DEFERRED that hold it
	begun                    bool          // of a replay: its fan-out is durable
	doubled                  bool          // its schedule may fire twice over a kill
	seen                     int
}

func newJudge(w *world) judge {
	return judge{w: w, byPair: map[transport.Pair]*delivery{}, owed: map[uint64][]*delivery{}, wanted: map[uint64]int{}, unwanted: map[uint64]bool{},
		passed: map[uint64]bool{}, skipped: map[uint64]bool{}}
}

func (j *judge) delivery(p transport.Pair) *delivery {
	d := j.byPair[p]
	if d == nil {
		d = &delivery{pair: p, rcv: j.w.byID[p.Endpoint]}
		j.byPair[p] = d
		j.all = append(j.all, d)
	}
	return d
}

// begun: a node has taken the shard.
func (j *judge) begun(*node) {
	j.unseen = 0
	for _, rcv := range j.w.receivers {
		// A clock that was put back keeps nothing closed for longer than it can be.
		rcv.view.breaker.until = soonest(rcv.view.breaker.until, j.w.nodeNow().Add(j.w.plan.tuning.BreakerMost))
		if s := &rcv.view; s.now != rcv.endpoint {
			s.now = rcv.endpoint
			s.version++
			s.highest = 0 // it may want events that it did not want before
			s.level = 0
			if s.now != nil && s.now.Delivery.Ordered && !s.ordered {
				s.orderFrom(j.w.log.last())
			}
			s.ordered = s.now != nil && s.now.Delivery.Ordered
		}
	}
}

// ended: the owner works no more, and what was not durable is forgotten.
func (j *judge) ended(killed bool) {
	for _, d := range j.all {
		if !killed && d.decided != "" && d.final == "" {
			j.w.breaks("5: a graceful stop loses nothing", "pair %v had %s when the node left, and it is not durable", d.pair, d.decided)
		}
		if d.flying || d.took && d.final == "" {
			j.w.did(brokenOff)
		}
		d.flying, d.probe, d.took = false, false, false
		d.owed, d.decided = d.owedKept, d.final
		d.tries, d.notBefore = max(d.number, d.carried), d.notBeforeKept
	}
	for _, rcv := range j.w.receivers {
		s := &rcv.view
		s.hold, s.breaker = s.kept.hold, s.kept.breaker
		s.breaker.probing, s.breaker.row, s.breaker.n = false, 0, 0 // what was counted is not kept
		s.flying, s.changing, s.closed = 0, false, false
	}
	j.captures = nil
	j.scan()
}

// stepped: an actor has handled one message.
func (j *judge) stepped() {
	for _, capture := range j.captures {
		capture()
	}
	j.captures = j.captures[:0]
}

// routed is told how many endpoints want an event.
func (j *judge) routed(ev *transport.Event, n int) {
	j.wanted[ev.Seq], j.passed[ev.Seq] = n, true
	if n == 0 {
		j.unwanted[ev.Seq] = true
	}
}

// Record sees each record as it is decided.
func (j *judge) Record(r *transport.Record) {
	j.w.note(line{what: recordWord(r), endpoint: r.Endpoint, seq: r.Seq, n: int64(r.Number), more: r.Reason})
	switch {
	case r.Kind == transport.FanOut:
		j.fannedOut(r)
		return
	case r.Endpoint == "":
		j.passed[r.Seq] = true
		return
	}
	d := j.delivery(transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay})
	if d.decided != "" && !d.doubled {
		j.w.breaks("2: a pair ends once", "pair %v had %s, and has %s now", d.pair, d.decided, recordWord(r))
	}
	if r.Kind == transport.Tried {
		j.tried(d, r)
	}
	if r.Final() {
		d.decided = recordWord(r)
	}
}

func recordWord(r *transport.Record) string {
	switch {
	case r.Kind == transport.FanOut:
		return "fan-out"
	case r.Kind == transport.Tried && r.Answer.Class == transport.Delivered:
		return "delivered"
	case r.Kind == transport.Tried:
		return "tried"
	case r.Kind == transport.Skipped:
		return "skipped"
	}
	return "dead-lettered"
}

// fannedOut checks that an event goes to whoever wants it.
func (j *judge) fannedOut(r *transport.Record) {
	for _, id := range r.Endpoints {
		j.delivery(transport.Pair{Seq: r.Seq, Endpoint: id, Replay: r.Replay}).owed = true
	}
	if r.Replay != 0 {
		return
	}
	j.passed[r.Seq] = true
	ev := j.w.log.at(r.Seq).event
	for _, rcv := range j.w.receivers {
		now, wanted := wants(rcv.view.now, ev), slices.Contains(r.Endpoints, rcv.id)
		if now != wanted && (!rcv.view.changing || wants(rcv.view.next, ev) != wanted) {
			j.w.breaks("1: an event goes to every endpoint that wants it", "event %d to %s: wanted %v, owed %v", r.Seq, rcv.id, now, wanted)
		}
	}
}

// wants tells whether an endpoint wants an event, by the contract's words.
func wants(ep *transport.Endpoint, ev *transport.Event) bool {
	if ep == nil || ep.Customer != ev.Customer || endpoint.IsClosed(ep) || ev.Stored.Before(ep.From) {
		return false
	}
	return slices.ContainsFunc(ep.Events, func(p string) bool { return transport.MatchType(p, ev.Type) })
}

// tried judges the record of an attempt's end.
func (j *judge) tried(d *delivery, r *transport.Record) {
	d.tries++
	s := &d.rcv.view
	if r.Number != d.tries && !d.doubled {
		j.w.breaks("3: attempts are counted", "pair %v: attempt %d, after %d", d.pair, r.Number, d.tries-1)
	}
	s.breaker.ended(j.w.nodeNow(), &j.w.plan.tuning, r, d.probe && s.breaker.probing, s.flying == 0)
	d.probe = false
	if r.Answer.Class == transport.Delivered {
		return
	}
	wait := s.leastWait(r.Number)
	if d.notBefore = (moment{}); !r.NextAt.IsZero() { // else none is planned; a kill may lose the end that follows
		d.notBefore = j.w.in(max(wait, d.retryAfter))
	}
	if r.Answer.Class == transport.Throttled && !s.changing && !s.closed && !endpoint.IsClosed(s.now) {
		if asked := j.w.in(s.asked(d.retryAfter, wait)); asked.at > s.hold.at {
			s.hold = asked
		}
		if d.retryAfter > 0 {
			j.w.did(retryAfters)
		}
	}
}

func soonest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// moment is a time by the node's clock, and by one that is right: clocks that
// were set in between may not both agree that it has come.
type moment struct {
	clock time.Time
	at    time.Duration
}

// in is the moment d from now.
func (w *world) in(d time.Duration) moment { return moment{w.nodeNow().Add(d), w.now + d} }

// ahead is how far off m is, 0 where either clock says that it has come.
func (w *world) ahead(m moment) time.Duration {
	return max(0, min(m.clock.Sub(w.nodeNow()), m.at-w.now))
}

// parking notes the trace of an entry on its way to DEFERRED.
func (j *judge) parking(id string, e *transport.Entry) {
	j.w.note(line{what: "park", endpoint: id, seq: e.Event.Seq, n: int64(e.Hop), more: e.Wake().Sub(j.w.nodeNow()).String()})
}

// arrived judges a request as the receiver sees it: by its own clock, and by what
// arrived before. What was under way as its owner froze, and was deposed, may be
// beyond the rate, and behind a later event.
func (j *judge) arrived(a *attempt) {
	s := &a.rcv.view
	if a.n != j.w.node {
		return
	}
	j.arrivedInOrder(a)
	if s.now == nil || a.version != s.version || s.now.Delivery.Rate <= 0 {
		return
	}
	rate, burst := s.now.Delivery.Rate, math.Max(1, float64(s.now.Delivery.Burst))
	at := j.w.now
	if a.over { // cut on its way: its sender can know no later moment
		at = max(s.at, a.ended)
	}
	s.level = math.Max(0, s.level-rate*(at-s.at).Seconds()) + 1
	s.at = at
	if s.level > burst+0.001 {
		j.w.breaks("3: never faster than rate and burst", "%s takes %g a second and %g at once; by its clock it got %g too many",
			a.rcv.id, rate, burst, s.level-burst)
	}
}
