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
	w     *world
	fates map[transport.Pair]*fate
	all   []*fate
	// owed are the pairs of an event by its durable fan-out; wanted is how many
	// the shard said there were.
	owed    map[uint64][]*fate
	wanted  map[uint64]int
	passed  map[uint64]bool // events that were routed, or skipped
	skipped map[uint64]bool
	// captures take the judge's view at the end of the step.
	captures   []func()
	scans      int
	anyDoubled bool
	writers    [lease.Streams]transport.Owner // of each stream, by what it took last
}

// fate is what became of a pair. What is kept is durable; the rest dies with
// the node.
type fate struct {
	pair transport.Pair
	st   *receiver

	owed, owedKept           bool
	final                    string // durable
	decided                  string
	flying, probe, took      bool
	tries, triesKept         int
	carried                  int // attempts that a message of DEFERRED tells of
	notBefore, notBeforeKept moment
	retryAfter               time.Duration // of the last answer
	homes                    int           // messages of DEFERRED that hold it
	begun                    bool          // of a replay: its fan-out is durable
	doubled                  bool          // its schedule may fire twice over a kill
	seen                     int
}

func newJudge(w *world) judge {
	return judge{w: w, fates: map[transport.Pair]*fate{}, owed: map[uint64][]*fate{}, wanted: map[uint64]int{},
		passed: map[uint64]bool{}, skipped: map[uint64]bool{}}
}

func (j *judge) fate(p transport.Pair) *fate {
	f := j.fates[p]
	if f == nil {
		f = &fate{pair: p, st: j.w.byID[p.Endpoint]}
		j.fates[p] = f
		j.all = append(j.all, f)
	}
	return f
}

// begun: a node takes the shard.
func (j *judge) begun(*node) {
	for _, st := range j.w.receivers {
		// A clock that was put back keeps nothing closed for longer than it can be.
		st.view.breaker.until = soonest(st.view.breaker.until, j.w.nodeNow().Add(j.w.plan.tuning.BreakerMost))
		if s := &st.view; s.now != st.endpoint {
			s.now = st.endpoint
			s.version++
			s.level = 0
			if s.now != nil && s.now.Delivery.Ordered && !s.ordered {
				s.orderedFrom = j.w.log.last()
			}
			s.ordered = s.now != nil && s.now.Delivery.Ordered
		}
	}
}

// ended: the node is no more, and all that was not durable.
func (j *judge) ended(killed bool) {
	for _, f := range j.all {
		if !killed && f.decided != "" && f.final == "" {
			j.w.breaks("5: a graceful stop loses nothing", "pair %v had %s when the node left, and it is not durable", f.pair, f.decided)
		}
		if f.flying || f.took && f.final == "" {
			j.w.did(brokenOff)
		}
		f.flying, f.probe, f.took = false, false, false
		f.owed, f.decided = f.owedKept, f.final
		f.tries, f.notBefore = max(f.triesKept, f.carried), f.notBeforeKept
	}
	for _, st := range j.w.receivers {
		s := &st.view
		s.hold, s.breaker = s.kept.hold, s.kept.breaker
		s.breaker.probing, s.breaker.row, s.breaker.n = false, 0, 0 // what was counted is not kept
		s.flying, s.changing, s.closed = 0, false, false
	}
	j.captures = nil
	j.scan()
}

// stepped: an actor has handled one message.
func (j *judge) stepped() {
	for _, f := range j.captures {
		f()
	}
	j.captures = j.captures[:0]
}

// routed is told how many endpoints want an event.
func (j *judge) routed(ev *transport.Event, n int) {
	j.wanted[ev.Seq], j.passed[ev.Seq] = n, true
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
	f := j.fate(transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay})
	if f.decided != "" && !f.doubled {
		j.w.breaks("2: a pair ends once", "pair %v had %s, and has %s now", f.pair, f.decided, recordWord(r))
	}
	if r.Kind == transport.Tried {
		j.tried(f, r)
	}
	if r.Final() {
		f.decided = recordWord(r)
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
		j.fate(transport.Pair{Seq: r.Seq, Endpoint: id, Replay: r.Replay}).owed = true
	}
	if r.Replay != 0 {
		return
	}
	j.passed[r.Seq] = true
	ev := j.w.log.at(r.Seq).event
	for _, st := range j.w.receivers {
		now, wanted := wants(st.view.now, ev), slices.Contains(r.Endpoints, st.id)
		if now != wanted && (!st.view.changing || wants(st.view.next, ev) != wanted) {
			j.w.breaks("1: an event goes to every endpoint that wants it", "event %d to %s: wanted %v, owed %v", r.Seq, st.id, now, wanted)
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

// tried judges an attempt's end as the node took it in.
func (j *judge) tried(f *fate, r *transport.Record) {
	f.tries++
	s := &f.st.view
	if r.Number != f.tries && !f.doubled {
		j.w.breaks("3: attempts are counted", "pair %v: attempt %d, after %d", f.pair, r.Number, f.tries-1)
	}
	s.breaker.ended(j.w.nodeNow(), &j.w.plan.tuning, r, f.probe && s.breaker.probing, s.flying == 0)
	f.probe = false
	if r.Answer.Class == transport.Delivered {
		return
	}
	wait := s.leastWait(r.Number)
	if f.notBefore = (moment{}); !r.NextAt.IsZero() { // else none is planned; a kill may lose the end that follows
		f.notBefore = j.w.in(max(wait, f.retryAfter))
	}
	if r.Answer.Class == transport.Throttled && !s.changing && !s.closed && !endpoint.IsClosed(s.now) {
		if asked := j.w.in(s.asked(f.retryAfter, wait)); asked.at > s.hold.at {
			s.hold = asked
		}
		if f.retryAfter > 0 {
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

// arrived counts a request at the receiver's own clock.
func (j *judge) arrived(a *attempt) {
	s := &a.st.view
	if s.now == nil || a.version != s.version || s.now.Delivery.Rate <= 0 {
		return
	}
	rate, burst := s.now.Delivery.Rate, math.Max(1, float64(s.now.Delivery.Burst))
	s.level = math.Max(0, s.level-rate*(j.w.now-s.at).Seconds()) + 1
	s.at = j.w.now
	if s.level > burst+0.001 {
		j.w.breaks("3: never faster than rate and burst", "%s takes %g a second and %g at once; by its clock it got %g too many",
			a.st.id, rate, burst, s.level-burst)
	}
}
