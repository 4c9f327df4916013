package sim

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// deferred is DEFERRED: schedules on park.>, what fired on due.>, and the
// work-queue consumer of that.
type deferred struct {
	consumer
	all    []*parked // in order of their sequences; those that are gone too, for a while
	parks  map[transport.ParkedSegment]*parked
	dues   map[uint64]*parked
	seq    uint64
	next   []uint64 // due, and never handed out since the last reset
	recent []recentAck
	fired  []*parked // lately
	mark   string    // in its metadata
}

// parked is one message: a segment.
type parked struct {
	seq      uint64
	stored   time.Time               // by the server's clock
	id       string                  // its header's
	name     transport.ParkedSegment // its subject
	customer string
	endpoint string
	entries  []transport.Entry
	wake     time.Time // by the node's clock
	fires    time.Time // by the server's
	due      bool
	gone     bool
	round    int // of its schedule
	firedAt  time.Duration
}

func (p *parked) ready() bool { return p.entries[0].Due.IsZero() }

func placeOf(e *transport.Entry) transport.Place {
	return transport.Place{Replay: e.Replay, Seq: e.Event.Seq}
}

func newDeferred(w *world, most int) *deferred {
	d := &deferred{parks: map[transport.ParkedSegment]*parked{}, dues: map[uint64]*parked{}}
	d.consumer = consumer{w: w, stream: "DEFERRED", most: most}
	d.consumer.acked = d.ack
	d.reset()
	return d
}

// store takes a message in, under the next sequence.
func (d *deferred) store(p *parked) {
	d.seq++
	p.seq, p.stored = d.seq, d.w.serverNow()
	d.all = append(d.all, p)
	d.w.judge.stored(p)
	if p.due {
		d.dues[p.seq] = p
		d.next = append(d.next, p.seq)
		return
	}
	was := d.parks[p.name]
	d.parks[p.name] = p
	if was != nil {
		d.w.note(line{what: "schedule replaced", endpoint: p.endpoint, seq: p.entries[0].Event.Seq})
		d.drop(was)
	}
	d.schedule(p)
}

// first is the lowest sequence of a message that is there.
func (d *deferred) first() uint64 {
	for _, p := range d.all {
		if !p.gone {
			return p.seq
		}
	}
	return d.seq + 1
}

// drop takes a message out.
func (d *deferred) drop(p *parked) {
	if p.gone {
		return
	}
	p.gone = true
	if p.due {
		delete(d.dues, p.seq)
	} else if d.parks[p.name] == p {
		delete(d.parks, p.name)
	}
	d.w.judge.dropped(p)
	if len(d.all) > 256 && d.w.dice.one(128) {
		d.all = slices.DeleteFunc(d.all, func(p *parked) bool { return p.gone })
	}
}

// schedule has p fire at its time by the server's clock, some milliseconds late.
func (d *deferred) schedule(p *parked) {
	p.round++
	round, late := p.round, d.w.dice.between(2*time.Millisecond, 9*time.Millisecond)
	if d.w.dice.one(20) {
		late = d.w.dice.between(0, 250*time.Millisecond)
	}
	d.w.after(max(0, p.fires.Sub(d.w.serverNow()))+late, func() { d.comeDue(p, round) })
}

func (d *deferred) comeDue(p *parked, round int) {
	switch {
	case p.gone || p.round != round || !d.w.serverUp:
	case d.w.unseen:
		d.w.after(100*time.Millisecond, func() { d.comeDue(p, round) })
	default:
		d.fire(p)
	}
}

// scheduleAll: the server's clock was set, or it started anew.
func (d *deferred) scheduleAll() {
	for _, p := range d.all {
		if !p.gone && !p.due {
			d.schedule(p)
		}
	}
}

// fire turns a schedule into a due message.
func (d *deferred) fire(p *parked) {
	d.w.note(line{what: "fires", endpoint: p.endpoint, seq: p.entries[0].Event.Seq, n: int64(len(p.entries))})
	d.copyDue(p)
	p.firedAt = d.w.now
	if d.fired = append(d.fired, p); len(d.fired) > 64 {
		d.fired = append(d.fired[:0], d.fired[32:]...)
	}
	d.drop(p)
}

func (d *deferred) copyDue(p *parked) {
	due := &parked{id: p.id, name: p.name, customer: p.customer, endpoint: p.endpoint, entries: p.entries, wake: p.wake, due: true}
	due.name.Due = true
	d.store(due)
}

func (d *deferred) ack(seq uint64) {
	delete(d.pending, seq)
	p := d.dues[seq]
	if p == nil {
		return
	}
	d.recent = lastFew(append(d.recent, recentAck{message: p, at: d.w.now}))
	d.drop(p)
}

// kill loses the last acks, and has a schedule fire again that was firing.
func (d *deferred) kill() {
	n := d.w.dice.IntN(ackLossMost + 1)
	for i := len(d.recent) - 1; i >= 0 && n > 0 && d.w.now-d.recent[i].at < ackLossFor; i, n = i-1, n-1 {
		p := d.recent[i].message
		d.back(p)
		d.dues[p.seq] = p
		d.w.did(lostAck)
	}
	for _, p := range d.fired {
		if d.w.now-p.firedAt < 100*time.Millisecond && d.parks[p.name] == nil && d.w.dice.one(2) {
			d.w.did(firedTwice)
			d.w.note(line{what: "will fire twice", endpoint: p.endpoint, seq: p.entries[0].Event.Seq})
			d.back(p)
			d.parks[p.name] = p
			d.w.judge.doubled(p)
		}
	}
	d.recent, d.fired = nil, nil
}

// back puts a message that was dropped in again.
func (d *deferred) back(p *parked) {
	p.gone = false
	if i, found := slices.BinarySearchFunc(d.all, p.seq, func(o *parked, seq uint64) int { return cmp.Compare(o.seq, seq) }); !found {
		d.all = slices.Insert(d.all, i, p)
	}
	d.w.judge.stored(p)
}

// toFloor is a reset of the consumer: all that is due comes again.
func (d *deferred) toFloor() {
	d.reset()
	d.next = nil
	for _, p := range d.all {
		if !p.gone && p.due {
			d.next = append(d.next, p.seq)
		}
	}
}

// pull hands one due segment to the node; false where there is none, or no room.
func (d *deferred) pull(n *node) bool {
	from, i := &d.next, 0
	switch {
	case len(d.again) > 0:
		from, i = &d.again, d.choose()
	case len(d.next) == 0 || d.full():
		return false
	}
	p := d.dues[(*from)[i]]
	if p != nil {
		if _, room := n.shard.Room(p.bytes()); !room {
			return false
		}
	}
	*from = unlist(*from, i)
	if p != nil {
		d.give(n, p)
	}
	return true
}

func (p *parked) bytes() (n int) {
	for i := range p.entries {
		n += p.entries[i].Event.Size()
	}
	return n
}

func (d *deferred) give(n *node, p *parked) {
	d.hand(p.seq, ackWait)
	if d.w.faulty && d.w.dice.one(300) {
		d.w.did(swallowed)
		return
	}
	if d.w.faulty && d.w.dice.one(200) { // its events cannot be read now: it is put off
		d.w.did(lostReads)
		d.hand(p.seq, time.Second)
		return
	}
	d.w.judge.acts(n, "pulls")
	d.w.note(line{what: "due", endpoint: p.endpoint, seq: p.entries[0].Event.Seq, n: int64(len(p.entries)), more: p.id})
	n.inHand[inHand{&d.consumer, p.seq}] = true
	n.reached.Deferred = max(n.reached.Deferred, p.seq)
	seg := p.segment()
	d.w.find(seg)
	n.shard.Due(seg, &handle{n: n, c: &d.consumer, seq: p.seq})
}

// segment is p as it is read: nobody shares it.
func (p *parked) segment() *transport.Segment {
	seg := &transport.Segment{Seq: p.seq, ID: p.id, Customer: p.customer, Endpoint: p.endpoint,
		Entries: make([]transport.Entry, len(p.entries))}
	for i, e := range p.entries {
		ev := *e.Event
		if e.Refers {
			ev = transport.Event{Seq: ev.Seq, Customer: ev.Customer, Stored: ev.Stored}
		}
		e.Event, e.Tries = &ev, slices.Clone(e.Tries)
		seg.Entries[i] = e
	}
	return seg
}

// of lists what is parked for an endpoint on park.>, in the order it goes in.
func (d *deferred) of(endpoint string, ready bool) (all []*parked) {
	for _, p := range d.all {
		if !p.gone && !p.due && p.endpoint == endpoint && (!ready || p.ready()) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *parked) int { return a.name.First.Compare(b.name.First) })
	return all
}
