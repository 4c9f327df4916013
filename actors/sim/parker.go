package sim

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

// parker is the node's end of DEFERRED.
type parker struct {
	n      *node
	cutter *recovery.Cutter
	open   map[string]*gathered
}

type gathered struct {
	endpoint string
	items    []item
	out      bool
}

type item struct {
	customer string
	entry    transport.Entry
	waiter   transport.Waiter
}

const collectWait = 50 * time.Millisecond

func (p *parker) Park(customer, id string, e transport.Entry, w transport.Waiter) {
	e.Tries = slices.Clone(e.Tries)
	p.n.w.refer(&e)
	p.n.w.judge.parking(id, &e)
	b := p.open[id]
	if b == nil {
		b = &gathered{endpoint: id}
		p.open[id] = b
		p.n.after(max(collectWait, late(&e)/2), func() { p.leave(b) })
	}
	b.items = append(b.items, item{customer, e, w})
}

func (p *parker) leave(b *gathered) {
	if b.out {
		return
	}
	b.out = true
	if p.open[b.endpoint] == b {
		delete(p.open, b.endpoint)
	}
	for _, cut := range p.cutter.Cut(parkings(b.items)) {
		cut.Segment.Endpoint = b.endpoint
		p.send(b.items, &cut)
	}
}

// send parks one segment.
func (p *parker) send(items []item, cut *transport.Cut) {
	seg := segmentOf(items, cut)
	p.n.w.note(line{what: "parks", endpoint: seg.endpoint, seq: cut.Segment.First.Seq, n: int64(len(cut.Entries)), more: seg.id})
	p.n.write(lease.Deferred, func() bool {
		seg.fires = seg.wake.Add(p.n.skew)
		p.n.w.deferred.store(seg)
		return true
	}, func() {
		p.n.reached.Deferred = max(p.n.reached.Deferred, seg.seq)
		p.n.journal.After(covered{items, cut.Covers})
	})
}

// covered are told when the journal tells of their segment too.
type covered struct {
	items  []item
	places []int
}

func (c covered) Done() {
	for _, i := range c.places {
		c.items[i].waiter.Done()
	}
}

func parkings(items []item) []transport.Parking {
	all := make([]transport.Parking, len(items))
	for i := range items {
		e := &items[i].entry
		all[i] = transport.Parking{Late: late(e), Place: placeOf(e), Hop: e.Hop, Wake: e.Wake(), Ready: e.Due.IsZero(), Refers: e.Refers, Size: e.Event.Size(), Bytes: e.Event.Size()}
	}
	return all
}

// late is how much later than asked an entry may come back.
func late(e *transport.Entry) time.Duration {
	if e.Due.IsZero() || len(e.Tries) == 0 {
		return 0
	}
	return transport.LateBy(e.Due.Sub(e.Tries[len(e.Tries)-1].At))
}

func segmentOf(items []item, cut *transport.Cut) *parked {
	seg := &parked{id: cut.Segment.Name, name: cut.Segment, customer: items[cut.Entries[0]].customer, endpoint: cut.Segment.Endpoint, wake: cut.Wake}
	for _, i := range cut.Entries {
		seg.entries = append(seg.entries, items[i].entry)
	}
	return seg
}

// Recall brings segments that wait for room back now, the first in order first.
func (p *parker) Recall(id string, entries int, last transport.Place, w transport.Waiter) {
	n := p.n
	n.after(n.w.dice.between(time.Millisecond, 20*time.Millisecond), func() {
		if !n.away() {
			n.w.note(line{what: "recall", endpoint: id, n: int64(entries)})
			for _, seg := range n.w.deferred.of(id, true) {
				if entries <= 0 || last != (transport.Place{}) && last.Before(placeOf(&seg.entries[0])) {
					break
				}
				entries -= len(seg.entries)
				n.bringBack(seg)
			}
		}
		n.after(n.w.dice.between(0, 5*time.Millisecond), w.Done)
	})
}

// bringBack has a segment fire now, unless it is about to fire by itself.
func (n *node) bringBack(seg *parked) {
	d := n.w.deferred
	if seg.fires.Sub(n.w.serverNow()) < time.Second {
		return
	}
	if n.w.faulty && n.w.dice.one(100) { // it fires by itself in the same moment
		n.w.did(firedTwice)
		d.copyDue(seg)
	}
	d.fire(seg)
}

// recallAll brings all back that is parked for an endpoint; while NATS is away
// it waits.
func (n *node) recallAll(id string) {
	n.after(n.w.dice.between(5*time.Millisecond, 50*time.Millisecond), func() {
		if n.away() {
			n.recallAll(id)
			return
		}
		n.w.note(line{what: "recall all", endpoint: id})
		for _, seg := range n.w.deferred.of(id, false) {
			n.bringBack(seg)
		}
	})
}

// List tells what was parked before the call and is not acked.
func (p *parker) List(id string, got func([]endpoint.ParkedPair)) {
	if b := p.open[id]; b != nil {
		p.leave(b)
	}
	before := slices.Clone(p.n.air)
	p.list(id, before, got)
}

func (p *parker) list(id string, before []*write, got func([]endpoint.ParkedPair)) {
	n := p.n
	n.after(n.w.dice.between(time.Millisecond, 20*time.Millisecond), func() {
		before = slices.DeleteFunc(before, func(w *write) bool { return !slices.Contains(n.air, w) })
		if n.away() || len(before) > 0 {
			p.list(id, before, got)
			return
		}
		var all []endpoint.ParkedPair
		for _, seg := range n.w.deferred.all {
			if seg.gone || seg.endpoint != id {
				continue
			}
			for i := range seg.entries {
				all = append(all, endpoint.ParkedPair{Place: placeOf(&seg.entries[i]), Due: seg.entries[i].Due, Hop: seg.entries[i].Hop})
			}
		}
		n.after(n.w.dice.between(0, 10*time.Millisecond), func() {
			n.w.note(line{what: "lists", endpoint: id, n: int64(len(all))})
			got(all)
		})
	})
}
