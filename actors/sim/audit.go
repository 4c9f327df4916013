package sim

import (
	"slices"

	"github.com/postrider/postrider/transport"
)

// journaled sees each record when it is durable.
func (j *judge) journaled(r *transport.Record) {
	switch {
	case r.Kind == transport.Lost:
		return
	case r.Kind == transport.FanOut:
		j.fanOutKept(r)
		return
	case r.Endpoint == "":
		j.skipped[r.Seq] = true
		return
	}
	f := j.fate(transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay})
	if !f.owedKept {
		j.w.breaks("2: outcomes are of what is owed", "pair %v has %s, and no durable fan-out names it", f.pair, recordWord(r))
	}
	if r.Kind == transport.Tried {
		if f.triesKept++; f.triesKept > f.st.view.mostTries+j.w.takings-1 && !f.doubled {
			j.w.breaks("3: never more attempts than the policy", "pair %v: %d attempts are journaled, of %d", f.pair, f.triesKept, f.st.view.mostTries)
		}
		if r.Number == f.tries {
			f.notBeforeKept = f.notBefore
		}
	}
	if !r.Final() {
		return
	}
	if r.Kind == transport.DeadLettered && !j.w.letters[f.pair] {
		j.w.breaks("5: nothing is lost", "pair %v is given up, and has no dead letter", f.pair)
	}
	if f.final != "" && !f.doubled {
		j.w.breaks("2: a pair ends once", "pair %v has %s in the journal, and %s before it", f.pair, recordWord(r), f.final)
	}
	f.final = recordWord(r)
	j.w.ends++
}

func (j *judge) fanOutKept(r *transport.Record) {
	if was := j.owed[r.Seq]; r.Replay == 0 && was != nil {
		if len(was) != len(r.Endpoints) || slices.ContainsFunc(was, func(f *fate) bool { return !slices.Contains(r.Endpoints, f.pair.Endpoint) }) {
			j.w.breaks("2: a fan-out is finished, not repeated", "event %d has a second one, to others", r.Seq)
		}
		return
	}
	for _, id := range r.Endpoints {
		f := j.fate(transport.Pair{Seq: r.Seq, Endpoint: id, Replay: r.Replay})
		f.owedKept, f.begun = true, true
		if r.Replay == 0 {
			j.owed[r.Seq] = append(j.owed[r.Seq], f)
		}
	}
}

// stored and dropped see each message of DEFERRED come and go.
func (j *judge) stored(p *parked) {
	for i := range p.entries {
		f := j.home(p, i)
		f.homes++
		f.carried = max(f.carried, len(p.entries[i].Tries))
	}
}

func (j *judge) dropped(p *parked) {
	for i := range p.entries {
		f := j.home(p, i)
		if f.homes--; f.homes == 0 && f.final == "" && !j.inLog(f) {
			j.w.breaks("5: nothing is lost", "pair %v was in message %d of DEFERRED, and is nowhere", f.pair, p.seq)
		}
	}
}

func (j *judge) home(p *parked, i int) *fate {
	e := &p.entries[i]
	return j.fate(transport.Pair{Seq: e.Event.Seq, Endpoint: p.endpoint, Replay: e.Replay})
}

// inLog: its event comes again.
func (j *judge) inLog(f *fate) bool {
	return f.pair.Replay == 0 && f.pair.Seq <= j.w.log.last() && !j.w.log.at(f.pair.Seq).acked
}

// doubled: around a kill the schedule of p fires a second time, and the node
// that comes cannot know (see Recover in transport/jet).
func (j *judge) doubled(p *parked) {
	j.anyDoubled = true
	for i := range p.entries {
		j.home(p, i).doubled = true
	}
}

// acking is invariant 1: all outcomes are durable before the ack is said.
func (j *judge) acking(c *consumer, seq uint64) {
	if c == &j.w.log.consumer {
		j.ackingEvent(seq)
		return
	}
	p := j.w.deferred.dues[seq]
	if p == nil {
		return
	}
	for i := range p.entries {
		if f := j.home(p, i); f.final == "" && f.homes < 2 {
			j.w.breaks("1: no ack before the outcome is durable", "due segment %d (%s) acked, pair %v has none", seq, p.id, f.pair)
		}
	}
}

func (j *judge) ackingEvent(seq uint64) {
	if j.skipped[seq] || j.w.log.at(seq).unreadable {
		return
	}
	owed := j.owed[seq]
	if n := j.wanted[seq]; n != len(owed) {
		j.w.breaks("1: no ack before the outcome is durable", "event %d acked, %d want it and its durable fan-out is of %d", seq, n, len(owed))
	}
	for _, f := range owed {
		if f.final == "" && f.homes == 0 {
			j.w.breaks("1: no ack before the outcome is durable", "event %d acked, pair %v has none", seq, f.pair)
		}
	}
}

// scan is the audit: each pair that is owed has ended, or waits somewhere.
func (j *judge) scan() (waiting int) {
	j.scans++
	for _, p := range j.w.deferred.all {
		if !p.gone {
			for i := range p.entries {
				j.home(p, i).seen = j.scans
			}
		}
	}
	for _, f := range j.all {
		if !f.owedKept || f.final != "" {
			continue
		}
		waiting++
		if f.seen != j.scans && !j.inLog(f) {
			j.w.breaks("2: owed = ended + waiting", "pair %v has no outcome, and waits nowhere", f.pair)
		}
	}
	return waiting
}

// undecided lists some pairs without an outcome, for a breach's words.
func (j *judge) undecided() (some []transport.Pair) {
	for _, f := range j.all {
		if f.owedKept && f.final == "" && len(some) < 5 {
			some = append(some, f.pair)
		}
	}
	return some
}
