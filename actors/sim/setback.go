package sim

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

// A stream is set back: while no node is there, it is as it was at some moment
// before, while the others are not.

// copyOf has a stream be as it is now when the next node starts.
func (w *world) copyOf(stream string) {
	if w.setBack != nil {
		return
	}
	w.note(line{what: "is copied", more: stream})
	if stream == transport.StreamEvents {
		w.setBack = w.log.copy()
	} else {
		w.setBack = w.deferred.copy()
	}
}

// putBack puts the copy in the place of what is there.
func (w *world) putBack() {
	if put := w.setBack; put != nil {
		w.setBack, w.filling = nil, true
		w.did(setBack)
		put()
	}
}

func (l *eventLog) copy() func() {
	n, floor := len(l.events), l.floor
	acked := make([]bool, n)
	for i := range acked {
		acked[i] = l.events[i].acked
	}
	return func() {
		l.w.note(line{what: "the log is set back", seq: uint64(n), n: int64(len(l.events))})
		l.events, l.floor, l.recent = l.events[:n:n], floor, nil
		for i := range acked {
			l.events[i].acked = acked[i]
		}
		l.reset()
	}
}

// fill puts nothing in the places of what the log lost.
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
			d.w.judge.putBack(p)
			if p.due {
				d.dues[p.seq] = p
			} else {
				d.parks[p.name] = p
			}
		}
		d.scheduleAll()
		d.w.judge.forgetReplays()
	}
}

// mend does what transport/jet does with what was lost.
func (w *world) mend(r *transport.Recovered, s *transport.ShardState) {
	reached := s.Reached
	for _, l := range r.Lost {
		w.note(line{what: "lost", seq: l.From, n: int64(l.To), more: l.Stream})
		if l.Stream == transport.StreamDeferred {
			reached.Deferred = s.DeferredLast
		}
	}
	w.journal.reached = reached
	for i := range r.Gone {
		w.giveUp(&r.Gone[i])
	}
	for _, l := range r.Lost {
		w.journal.store([]jotted{{kept: true, record: transport.Record{Kind: transport.Lost, Seq: l.From, To: l.To, Reason: l.Stream}}}, reached)
	}
	w.parkOwed(r)
	w.log.fill(r.FillTo)
}

func (w *world) giveUp(p *transport.OwedPair) {
	w.letters[p.Pair] = true
	w.judge.fate(p.Pair).decided = "given up"
	w.journal.store([]jotted{{kept: true, record: transport.Record{Kind: transport.DeadLettered, Seq: p.Seq, Replay: p.Replay,
		Customer: p.Customer, Endpoint: p.Endpoint, Reason: transport.ReasonEventGone}}}, w.journal.reached)
}

func (w *world) parkOwed(r *transport.Recovered) {
	cutter, items := recovery.NewCutter("owed"+strconv.Itoa(w.lives)+"_"), map[string][]item{}
	for i := range r.Owed {
		p := &r.Owed[i]
		if p.Seq > w.log.last() || w.log.at(p.Seq).nothing {
			w.giveUp(p)
			continue
		}
		e := transport.Entry{Event: w.log.at(p.Seq).event, Replay: p.Replay, Tries: p.Tries, Hop: 1, Due: p.Next, At: later(p.Next, w.nodeNow())}
		if p.Replay != 0 {
			e.Hop = 2
		}
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

// moved counts a message's pairs without judging.
func (j *judge) moved(p *parked, by int) {
	for i := range p.entries {
		f := j.home(p, i)
		f.homes += by
		if by > 0 {
			f.carried = max(f.carried, len(p.entries[i].Tries))
		}
	}
}

// putBack: what has gone on since the copy is known to the next node alone. One
// that comes before the message is due again, and does not read the journal
// whole, takes it as it is (see Recover in transport/jet).
func (j *judge) putBack(p *parked) {
	for i := range p.entries {
		if f := j.home(p, i); f.final != "" || f.triesKept > len(p.entries[i].Tries) {
			f.doubled, j.anyDoubled = true, true
		}
	}
}

// known tells whether anything durable names an event of that number: one that
// nobody wanted, or that no node had taken, leaves nothing that a later one could
// be taken for.
func (j *judge) known(seq uint64) bool { return j.owed[seq] != nil || j.skipped[seq] }

// forgetReplays: one that was asked for and not begun is known of by DEFERRED
// alone, and lost with it.
func (j *judge) forgetReplays() {
	for _, f := range j.all {
		if f.pair.Replay != 0 && f.homes == 0 && f.final == "" && !f.begun {
			f.owed, f.owedKept = false, false
		}
	}
}
