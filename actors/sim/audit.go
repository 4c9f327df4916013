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
	d := j.delivery(transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay})
	if !d.owedKept {
		j.w.breaks("2: outcomes are of what is owed", "pair %v has %s, and no durable fan-out names it", d.pair, recordWord(r))
	}
	if r.Kind == transport.Tried {
		if d.triesKept++; d.triesKept > d.rcv.view.mostTries+j.w.takings-1 && !d.doubled {
			j.w.breaks("3: never more attempts than the policy", "pair %v: %d attempts are journaled, of %d", d.pair, d.triesKept, d.rcv.view.mostTries)
		}
		d.number = max(d.number, r.Number) // one before it may have been lost at a kill, and been carried by a segment
		if r.Number == d.tries {
			d.notBeforeKept = d.notBefore
		}
	}
	if !r.Final() {
		return
	}
	if r.Kind == transport.DeadLettered && !j.w.letters[d.pair] {
		j.w.breaks("5: nothing is lost", "pair %v is given up, and has no dead letter", d.pair)
	}
	if d.final != "" && !d.doubled {
		j.w.breaks("2: a pair ends once", "pair %v has %s in the journal, and %s before it", d.pair, recordWord(r), d.final)
	}
	d.final = recordWord(r)
	j.w.ends++
}

func (j *judge) fanOutKept(r *transport.Record) {
	if was := j.owed[r.Seq]; r.Replay == 0 && was != nil {
		if len(was) != len(r.Endpoints) || slices.ContainsFunc(was, func(d *delivery) bool { return !slices.Contains(r.Endpoints, d.pair.Endpoint) }) {
			j.w.breaks("2: a fan-out is finished, not repeated", "event %d has a second one, to others", r.Seq)
		}
		return
	}
	for _, id := range r.Endpoints {
		d := j.delivery(transport.Pair{Seq: r.Seq, Endpoint: id, Replay: r.Replay})
		d.owedKept, d.begun = true, true
		if r.Replay == 0 {
			j.owed[r.Seq] = append(j.owed[r.Seq], d)
		}
	}
}

// stored and dropped see each message of DEFERRED come and go.
func (j *judge) stored(p *parked) {
	for i := range p.entries {
		d := j.deliveryOf(p, i)
		d.segments++
		d.carried = max(d.carried, len(p.entries[i].Tries))
	}
}

func (j *judge) dropped(p *parked) {
	for i := range p.entries {
		d := j.deliveryOf(p, i)
		if d.segments--; d.segments == 0 && d.final == "" && !j.inLog(d) {
			j.w.breaks("5: nothing is lost", "pair %v was in message %d of DEFERRED, and is nowhere", d.pair, p.seq)
		}
	}
}

func (j *judge) deliveryOf(p *parked, i int) *delivery {
	e := &p.entries[i]
	return j.delivery(transport.Pair{Seq: e.Event.Seq, Endpoint: p.endpoint, Replay: e.Replay})
}

// inLog tells whether the delivery's event is not acked, so that it comes again.
func (j *judge) inLog(d *delivery) bool {
	return d.pair.Replay == 0 && d.pair.Seq <= j.w.log.last() && !j.w.log.at(d.pair.Seq).acked
}

// doubled: around a kill the schedule of p fires a second time, and the node
// that comes cannot know (see Recover in transport/jet).
func (j *judge) doubled(p *parked) {
	j.anyDoubled = true
	for i := range p.entries {
		j.deliveryOf(p, i).doubled = true
	}
}

// acking is invariant 1: all outcomes are durable before the node sends the ack.
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
		if d := j.deliveryOf(p, i); d.final == "" && d.segments < 2 {
			j.w.breaks("1: no ack before the outcome is durable", "due segment %d (%s) acked, pair %v has none", seq, p.id, d.pair)
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
	for _, d := range owed {
		if d.final == "" && d.segments == 0 {
			j.w.breaks("1: no ack before the outcome is durable", "event %d acked, pair %v has none", seq, d.pair)
		}
	}
}

// ackedLate: what a deposed owner's ack takes away, the next one may have counted as
// it took the shard, and never sees.
func (j *judge) ackedLate(c *consumer, seq uint64) {
	if p := j.w.deferred.dues[seq]; p != nil && c == &j.w.deferred.consumer {
		j.unseen += len(p.entries)
	}
}

// scan is the audit: each pair that is owed has ended, or waits somewhere.
func (j *judge) scan() (waiting int) {
	j.scans++
	for _, p := range j.w.deferred.all {
		if !p.gone {
			for i := range p.entries {
				j.deliveryOf(p, i).seen = j.scans
			}
		}
	}
	for _, d := range j.all {
		if !d.owedKept || d.final != "" {
			continue
		}
		waiting++
		if d.seen != j.scans && !j.inLog(d) {
			j.w.breaks("2: owed = ended + waiting", "pair %v has no outcome, and waits nowhere", d.pair)
		}
	}
	return waiting
}

// undecided lists some pairs without an outcome, for a breach's words.
func (j *judge) undecided() (some []transport.Pair) {
	for _, d := range j.all {
		if d.owedKept && d.final == "" && len(some) < 5 {
			some = append(some, d.pair)
		}
	}
	return some
}
