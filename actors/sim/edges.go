package sim

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// write is a message on its way to a stream, tried until it is stored.
type write struct {
	stream lease.Stream // whose guard it has; lease.Streams: none
	// store is false where it is to replace another revision than the stored one.
	store  func() bool
	told   func()
	first  lease.Moment // when it was sent first
	sent   bool
	stored bool
}

const (
	// publishTimeout is how long an answer is waited for.
	publishTimeout = 5 * time.Second
	unguarded      = lease.Streams
)

// write has a message stored, and calls told when the node knows that it is.
func (n *node) write(stream lease.Stream, store func() bool, told func()) {
	w := &write{stream: stream, store: store, told: told}
	n.air = append(n.air, w)
	n.try(w)
}

// try sends the message when no owner's record is being written; to other streams
// than the journal only while the node acts.
func (n *node) try(w *write) {
	switch {
	case n.away() || w.stream != lease.Journal && !n.keeper.acts():
		n.tryAgain(w)
	case w.stream == unguarded:
		n.send(w, 0)
	default:
		f := &n.keeper.fence[w.stream]
		f.enter(func() { n.send(w, f.seq) })
	}
}

func (n *node) tryAgain(w *write) {
	n.after(n.w.dice.between(50*time.Millisecond, 500*time.Millisecond), func() { n.try(w) })
}

func (n *node) send(w *write, guard uint64) {
	if !w.sent {
		w.sent, w.first = true, n.moment()
	}
	d := n.w.dice.between(time.Millisecond, 15*time.Millisecond)
	if n.w.faulty && n.w.dice.one(200) {
		d = n.w.dice.between(100*time.Millisecond, 2*time.Second)
	}
	n.w.after(d, func() { n.land(w, guard) })
}

// land has the write arrive at the server.
func (n *node) land(w *write, guard uint64) {
	d := n.w.dice
	switch {
	case !n.alive:
	case n.frozen && d.one(3): // it had not left yet
		n.late = append(n.late, func() { n.land(w, guard) })
	case n.mute():
		n.arrive(d.between(50*time.Millisecond, 500*time.Millisecond), func() { n.failed(w) })
	case w.stored: // its answer was lost: a duplicate proves nothing
		n.arrive(d.between(0, 4*time.Millisecond), func() { n.answered(w, false) })
	case w.stream != unguarded && !n.w.owners.takes(n, w.stream, guard):
		n.arrive(d.between(0, 4*time.Millisecond), func() {
			n.failed(w)
			n.keeper.step(lease.Input{Kind: lease.Deposed})
		})
	case !w.store():
		n.arrive(d.between(0, 4*time.Millisecond), func() { n.failed(w) })
	default:
		w.stored = true
		n.air = slices.DeleteFunc(n.air, func(o *write) bool { return o == w })
		if n.w.faulty && d.one(300) {
			n.w.did(lostAnswers)
			n.after(publishTimeout, func() { n.failed(w) })
			return
		}
		n.arrive(d.between(0, 4*time.Millisecond), func() { n.answered(w, true) })
	}
}

func (n *node) failed(w *write) {
	n.end(w)
	n.tryAgain(w)
}

func (n *node) answered(w *write, proof bool) {
	n.end(w)
	if w.stream == lease.Journal && proof {
		n.keeper.step(lease.Input{Kind: lease.Proved, Sent: w.first})
	}
	w.told()
}

func (n *node) end(w *write) {
	if w.stream != unguarded {
		n.keeper.fence[w.stream].leave()
	}
}

// crashWrites stores some of the messages that are on their way at a kill: nobody
// is told of those.
func (n *node) crashWrites() {
	for _, w := range n.air {
		if w.sent && !n.mute() && n.w.dice.one(3) && (w.stream == unguarded || n.w.owners.takes(n, w.stream, n.keeper.fence[w.stream].seq)) {
			w.store()
		}
	}
	n.air = nil
}

// journal is the node's end of ATTEMPTS: batches, one after the other.
type journal struct {
	n       *node
	batch   []journalEntry
	writing bool
	leaving bool
}

type journalEntry struct {
	record transport.Record
	kept   bool // a record, not only a waiter
	waiter transport.Waiter
}

const batchWait = 10 * time.Millisecond

func (j *journal) Append(r *transport.Record, w transport.Waiter) {
	rec := *r
	rec.Endpoints = slices.Clone(r.Endpoints)
	if r.Replay == 0 && r.Seq > j.n.reached.Event && (r.Kind == transport.FanOut || r.Kind == transport.Skipped && r.Endpoint == "") {
		j.n.reached.Event, j.n.reached.EventStored = r.Seq, r.Stored
	}
	j.add(journalEntry{record: rec, kept: true, waiter: w})
	if j.n.w.o.Plant == AckedEarly && w != nil {
		j.batch[len(j.batch)-1].waiter = nil
		w.Done()
	}
}

func (j *journal) After(w transport.Waiter) { j.add(journalEntry{waiter: w}) }

func (j *journal) add(e journalEntry) {
	j.batch = append(j.batch, e)
	if !j.leaving && !j.writing {
		j.leaving = true
		j.n.after(batchWait, j.leave)
	}
}

func (j *journal) leave() {
	j.leaving, j.writing = false, true
	batch, reached := j.batch, j.n.reached
	j.batch = nil
	j.n.write(lease.Journal, func() bool { j.n.w.journal.store(batch, reached); return true }, func() {
		j.writing = false
		for i := range batch {
			if w := batch[i].waiter; w != nil {
				w.Done()
			}
		}
		if len(j.batch) > 0 {
			j.leave()
		}
	})
}

// graveyard keeps dead letters.
type graveyard struct{ n *node }

func (g graveyard) Bury(d *transport.DeadLetter, w transport.Waiter) {
	g.n.bury(transport.Pair{Seq: d.Event.Seq, Endpoint: d.Endpoint, Replay: d.Replay}, w.Done)
}

func (n *node) bury(p transport.Pair, told func()) {
	n.write(lease.DeadLetters, func() bool { n.w.letters[p] = true; return true }, told)
}

// memories is the KV bucket, written in order, each in place of the revision that
// the node knows; where another one is stored, in place of that at the next try.
type memories struct {
	n     *node
	queue []func()
}

func (m *memories) Remember(r transport.Remembered, w transport.Waiter) {
	n, keep := m.n, func() {}
	if n.judged() {
		keep = n.w.judge.remembering(r.Endpoint)
	}
	m.queue = append(m.queue, func() {
		n.write(unguarded, func() bool {
			there := n.w.revisions[r.Endpoint]
			if n.revisions[r.Endpoint] != there {
				n.revisions[r.Endpoint] = there
				return false
			}
			n.w.memories[r.Endpoint] = r.Memory
			n.w.revisions[r.Endpoint], n.revisions[r.Endpoint] = there+1, there+1
			keep()
			return true
		}, func() {
			w.Done()
			m.queue = m.queue[1:]
			if len(m.queue) > 0 {
				m.queue[0]()
			}
		})
	})
	if len(m.queue) == 1 {
		m.queue[0]()
	}
}
