package sim

import (
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// write is something on its way to disk.
type write struct {
	store func()
	told  func()
}

// write stores something after a while, and tells so after another.
func (n *node) write(store, told func()) {
	w := &write{store, told}
	n.air = append(n.air, w)
	d := n.w.dice.between(time.Millisecond, 15*time.Millisecond)
	if n.w.faulty && n.w.dice.one(200) {
		d = n.w.dice.between(100*time.Millisecond, 2*time.Second)
	}
	n.after(d, func() { n.land(w) })
}

func (n *node) land(w *write) {
	if n.w.away {
		n.after(n.w.dice.between(50*time.Millisecond, 500*time.Millisecond), func() { n.land(w) })
		return
	}
	n.air = slices.DeleteFunc(n.air, func(o *write) bool { return o == w })
	w.store()
	n.after(n.w.dice.between(0, 4*time.Millisecond), w.told)
}

// crashWrites: of what is on its way at a kill, some is stored and nobody told.
func (n *node) crashWrites() {
	for _, w := range n.air {
		if !n.w.away && n.w.dice.one(3) {
			w.store()
		}
	}
	n.air = nil
}

// journal is the node's end of ATTEMPTS: batches, one after the other.
type journal struct {
	n       *node
	batch   []jotted
	writing bool
	leaving bool
}

type jotted struct {
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
	j.add(jotted{record: rec, kept: true, waiter: w})
	if j.n.w.o.Plant == AckedEarly && w != nil {
		j.batch[len(j.batch)-1].waiter = nil
		w.Done()
	}
}

func (j *journal) After(w transport.Waiter) { j.add(jotted{waiter: w}) }

func (j *journal) add(e jotted) {
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
	j.n.write(func() { j.n.w.journal.store(batch, reached) }, func() {
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

// graveyard keeps letters.
type graveyard struct{ n *node }

func (g graveyard) Bury(d *transport.DeadLetter, w transport.Waiter) {
	g.n.bury(transport.Pair{Seq: d.Event.Seq, Endpoint: d.Endpoint, Replay: d.Replay}, w.Done)
}

func (n *node) bury(p transport.Pair, told func()) {
	n.write(func() { n.w.letters[p] = true }, told)
}

// memories is the KV bucket, written in order.
type memories struct {
	n     *node
	queue []func()
}

func (m *memories) Remember(r transport.Remembered, w transport.Waiter) {
	keep := m.n.w.judge.remembering(r.Endpoint)
	m.queue = append(m.queue, func() {
		m.n.write(func() {
			m.n.w.memories[r.Endpoint] = r.Memory
			keep()
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
