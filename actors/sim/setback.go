package sim

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

// A stream is set back: while no node runs, an older copy takes the place of what
// is stored in one stream; the other streams stay.

// copyOf copies a stream, for the next start of a node.
func (w *world) copyOf(stream string) {
	if w.setBack != nil {
		return
	}
	w.note(line{what: "is copied", more: stream})
	switch stream {
	case transport.StreamEvents:
		w.setBack = w.log.copy()
	case transport.StreamDeferred:
		w.setBack = w.withRecord(lease.Deferred, w.deferred.copy())
	case transport.StreamAttempts:
		w.setBack = w.withRecord(lease.Journal, w.journal.copy())
	}
}

// withRecord puts the owner's record of a stream back with what else is in it.
func (w *world) withRecord(s lease.Stream, put func()) func() {
	record, last := w.owners.records[s], w.owners.last[s]
	return func() {
		w.owners.records[s], w.owners.last[s] = record, last
		w.owners.leader++
		put()
	}
}

// putBack puts the copy in the place of the stream.
func (w *world) putBack() {
	if put := w.setBack; put != nil {
		w.setBack, w.filling, w.unseen = nil, true, true
		w.did(setBack)
		put()
	}
}

func (l *eventLog) copy() func() {
	n, floor, first := len(l.events), l.floor, l.first
	acked := make([]bool, n)
	for i := range acked {
		acked[i] = l.events[i].acked
	}
	return func() {
		l.w.note(line{what: "the log is set back", seq: uint64(n), n: int64(len(l.events))})
		l.events, l.floor, l.recent = l.events[:n:n], floor, nil
		for i := range acked {
			l.events[i].acked, l.events[i].purged = acked[i], uint64(i)+1 < first
		}
		l.first = first
		l.reset()
		l.w.judge.logCut(uint64(n))
	}
}

// fill takes the sequences that the log lost, without events.
func (l *eventLog) fill(to uint64) {
	for l.last() < to {
		seq := l.last() + 1
		l.events = append(l.events, entry{event: &transport.Event{Seq: seq}, nothing: true, acked: true})
	}
	l.settleFloor()
}

func (d *deferred) copy() func() {
	seq, now := d.seq, []parked{}
	for _, p := range d.all {
		if !p.gone {
			now = append(now, *p)
		}
	}
	return func() {
		d.w.note(line{what: "DEFERRED is set back", seq: seq, n: int64(d.seq)})
		for _, p := range d.all {
			if !p.gone {
				d.w.judge.moved(p, -1)
				p.gone = true
			}
		}
		d.all, d.seq, d.recent, d.fired = nil, seq, nil, nil
		d.parks, d.dues = map[transport.ParkedSegment]*parked{}, map[uint64]*parked{}
		for i := range now {
			p := &now[i]
			d.all = append(d.all, p)
			d.w.judge.moved(p, 1)
			if p.due {
				d.dues[p.seq] = p
			} else {
				d.parks[p.name] = p
			}
		}
		d.scheduleAll()
		d.w.judge.deferredCut()
	}
}

// copy is of the journal. What was written within the time in which its position
// is noted may go unseen, and stays there.
func (a *attempts) copy() func() {
	n := len(a.batches)
	return func() {
		if n >= a.noted {
			return
		}
		a.w.note(line{what: "the journal is set back", n: int64(n)})
		a.batches = a.batches[:n:n]
		a.reached.Journal = uint64(a.noted)
		if a.reached.Event, a.reached.Deferred = 0, 0; n > 0 {
			journal := a.reached.Journal
			a.reached = a.batches[n-1].reached
			a.reached.Journal = journal
		}
		a.w.judge.journalCut()
	}
}

// mend does with what was lost what cmd/postrider/store does; false where a stream
// refused it, since another node owns the shard: then this one begins again.
func (n *node) mend(r *transport.Recovered, s *transport.ShardState) bool {
	w := n.w
	if len(r.Lost)+len(r.Gone)+len(r.Owed)+len(r.Above) > 0 || r.Mark != s.Mark {
		for _, stream := range []lease.Stream{lease.Journal, lease.Deferred, lease.DeadLetters} {
			if !w.owners.takes(n, stream, n.keeper.fence[stream].seq) {
				n.gone()
				return false
			}
		}
		w.makeGood(r, s)
	}
	w.log.fill(r.FillTo)
	return true
}

func (w *world) makeGood(r *transport.Recovered, s *transport.ShardState) {
	reached := s.Reached
	for _, l := range r.Lost {
		w.note(line{what: "lost", seq: l.From, n: int64(l.To), more: l.Stream})
		if l.Stream == transport.StreamDeferred {
			reached.Deferred = s.DeferredLast
		}
		if l.Stream == transport.StreamAttempts {
			reached.Journal = 0
			w.journal.noted = len(w.journal.batches)
		}
	}
	w.journal.reached = reached
	for i := range r.Gone {
		w.giveUp(&r.Gone[i])
	}
	for _, l := range r.Lost {
		w.journal.store([]journalEntry{{kept: true, record: transport.Record{Kind: transport.Lost, Seq: l.From, To: l.To, Reason: l.Stream}}}, reached)
	}
	for i := range r.Above {
		if p := &r.Above[i]; w.log.find(transport.Reference{Seq: p.Seq, EventMark: p.EventMark}) == nil {
			w.giveUp(p)
		}
	}
	w.parkOwed(r)
	w.deferred.mark = r.Mark
}

func (w *world) giveUp(p *transport.OwedPair) {
	w.letters[p.Pair] = true
	w.judge.delivery(p.Pair).decided = "given up"
	w.journal.store([]journalEntry{{kept: true, record: transport.Record{Kind: transport.DeadLettered, Seq: p.Seq, Replay: p.Replay,
		Customer: p.Customer, Endpoint: p.Endpoint, Reason: transport.ReasonEventGone}}}, w.journal.reached)
}

func (w *world) parkOwed(r *transport.Recovered) {
	cutter, items := recovery.NewCutter("owed"+strconv.Itoa(w.takings)+"_"), map[string][]item{}
	for i := range r.Owed {
		p := &r.Owed[i]
		if w.log.find(transport.Reference{Seq: p.Seq, EventMark: p.EventMark}) == nil {
			w.giveUp(p)
			continue
		}
		e := transport.Entry{Event: w.log.at(p.Seq).event, Replay: p.Replay, Tries: p.Tries, Hop: 1, Due: p.Next, At: later(p.Next, w.nodeNow())}
		if p.Replay != 0 {
			e.Hop = 2
		}
		w.refer(&e)
		items[p.Endpoint] = append(items[p.Endpoint], item{customer: p.Customer, entry: e})
	}
	for _, id := range slices.Sorted(maps.Keys(items)) {
		for _, cut := range cutter.Cut(parkings(items[id])) {
			cut.Segment.Endpoint = id
			seg := segmentOf(items[id], &cut)
			seg.fires = seg.wake
			w.did(parkedAnew)
			w.deferred.store(seg)
			w.journal.reached.Deferred = max(w.journal.reached.Deferred, seg.seq)
			addParked(r, &cut.Segment)
		}
	}
}

// addParked counts a segment that was parked after the counting.
func addParked(r *transport.Recovered, p *transport.ParkedSegment) {
	sum := r.Parked[p.Endpoint]
	sum.Entries += p.Entries
	sum.Bytes += p.Bytes
	if p.Ready {
		sum.Ready += p.Entries
	}
	r.Parked[p.Endpoint] = sum
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// moved counts the deliveries of a message that comes or goes with a set-back.
func (j *judge) moved(p *parked, by int) {
	for i := range p.entries {
		d := j.deliveryOf(p, i)
		d.segments += by
		if by > 0 {
			d.carried = max(d.carried, len(p.entries[i].Tries))
		}
	}
}

// journalCut: of what the journal no longer tells, what is durable is done again,
// and judged as if it never was.
func (j *judge) journalCut() {
	before := map[*delivery]delivery{}
	for _, d := range j.all {
		before[d] = *d
		d.final, d.decided, d.triesKept, d.number, d.owedKept = "", "", 0, 0, d.pair.Replay != 0 && !d.begun && d.owedKept
	}
	j.owed, j.skipped = map[uint64][]*delivery{}, map[uint64]bool{}
	for _, b := range j.w.journal.batches {
		for i := range b.records {
			if b.records[i].kept {
				j.toldStill(&b.records[i].record)
			}
		}
	}
	for _, d := range j.all {
		if was := before[d]; was.final != d.final || was.triesKept != d.triesKept || was.owedKept != d.owedKept {
			d.doubled, j.anyDoubled = true, true
		}
		d.owedKept = d.owedKept || d.segments > 0
		d.owed, d.decided = d.owedKept, d.final
	}
}

func (j *judge) toldStill(r *transport.Record) {
	d := j.delivery(transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay})
	switch {
	case r.Kind == transport.FanOut:
		j.fanOutKept(r)
	case r.Endpoint == "" && r.Kind == transport.Skipped:
		j.skipped[r.Seq] = true
	case r.Kind == transport.Tried:
		d.triesKept++
		d.number = max(d.number, r.Number)
	}
	if r.Endpoint != "" && r.Final() {
		d.final = recordWord(r)
	}
}

// known tells whether anything durable names an event of that number: one that
// nobody wanted, or that no node had taken, leaves nothing that a later one could
// be taken for.
func (j *judge) known(seq uint64) bool { return j.owed[seq] != nil || j.skipped[seq] }

// logCut: numbers beyond n that nothing durable names are given to other events.
func (j *judge) logCut(n uint64) {
	for _, rcv := range j.w.receivers {
		v := &rcv.view
		v.highest = min(v.highest, n)
		maps.DeleteFunc(v.arrived, func(seq uint64, _ bool) bool { return seq > n })
	}
}

// deferredCut: what DEFERRED alone knew is lost with it: attempts of which the
// journal does not tell yet, and replays that were asked for and have not begun.
func (j *judge) deferredCut() {
	for _, d := range j.all {
		d.carried = 0
	}
	for _, p := range j.w.deferred.all {
		for i := range p.entries {
			d := j.deliveryOf(p, i)
			d.carried = max(d.carried, len(p.entries[i].Tries))
		}
	}
	for _, d := range j.all {
		d.tries = max(d.number, d.carried)
		if d.pair.Replay != 0 && d.segments == 0 && d.final == "" && !d.begun {
			d.owed, d.owedKept = false, false
		}
	}
}
