package sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// keeper carries out what the shipped machine of the lease decides, as Keeper of
// actors/lease does, and is the fence of its node as transport/jet has it: it
// knows by which record the node's writes are guarded, and whether it may act.
type keeper struct {
	n      *node
	m      *lease.Machine
	fence  [lease.Streams]fence
	halted bool // as the lease said last
}

// fence guards the writes of one stream. The record itself is written while no
// other write is under way.
type fence struct {
	seq     uint64 // of the record that the writes name
	under   int    // writes on their way
	record  func() // waits for those; nil: none does
	writing bool   // the record is being written
	waiting []func()
}

// enter runs f when no record is being written, or waits to be.
func (f *fence) enter(do func()) {
	if f.writing || f.record != nil {
		f.waiting = append(f.waiting, do)
		return
	}
	f.under++
	do()
}

// leave ends what enter let in.
func (f *fence) leave() {
	if f.under--; f.under == 0 && f.record != nil {
		do := f.record
		f.record, f.writing = nil, true
		do()
	}
}

// alone runs do when no write is under way.
func (f *fence) alone(do func()) {
	if f.under > 0 {
		f.record = do
		return
	}
	f.writing = true
	do()
}

// done ends alone.
func (f *fence) done() {
	f.writing = false
	waiting := f.waiting
	f.waiting = nil
	for _, do := range waiting {
		f.enter(do)
	}
}

func newKeeper(n *node) *keeper {
	return &keeper{n: n, m: lease.New(lease.Options{Node: n.host.name, Boot: strconv.Itoa(n.life), Sole: !n.w.plan.external, Keep: n.w.plan.recordsKeep})}
}

const (
	leaseTick     = 100 * time.Millisecond
	leaseTickCalm = 300 * time.Millisecond
	beatTimeout   = 2 * time.Second
	recordTimeout = 5 * time.Second
)

func (k *keeper) tick() {
	k.step(lease.Input{Kind: lease.Ticked})
	d := leaseTick
	if !k.n.w.faulty {
		d = leaseTickCalm
	}
	k.n.after(d, k.tick)
}

// acts tells whether the node may pull, send, park and ack right now.
func (k *keeper) acts() bool { return !k.halted && k.m.Acts(k.n.moment()) }

func (k *keeper) step(in lease.Input) {
	for _, e := range slices.Clone(k.m.Step(k.n.moment(), in)) {
		k.perform(&e)
	}
}

func (k *keeper) perform(e *lease.Effect) {
	n := k.n
	switch e.Do {
	case lease.Watch:
		k.look()
	case lease.Write:
		w := *e
		k.fence[e.Stream].alone(func() { k.write(&w) })
	case lease.Beat:
		k.beat()
	case lease.Adopt:
		k.fence[e.Stream].seq = e.Seq
	case lease.Own:
		n.own(e.Epoch)
	case lease.Halt:
		k.halted = true
		n.halt()
	case lease.GoOn:
		k.halted = false
		n.goOn()
	case lease.Cut:
		n.cutAttempts()
	case lease.Lose:
		n.lost()
	case lease.Leave:
		n.gone()
	}
}

// ask sends a request to the server and brings back its answer, or failed where
// none came in time: what was asked may have been done all the same. The node
// takes the answer in first (nil: it does nothing), then its machine.
func (k *keeper) ask(limit time.Duration, unheard func() bool, at func() lease.Input, failed lease.Input, first func(*lease.Input)) {
	n, w, over := k.n, k.n.w, false
	end := func(in lease.Input) {
		if over {
			return
		}
		if over = true; first != nil {
			first(&in)
		}
		k.step(in)
	}
	n.after(limit, func() { end(failed) })
	if unheard() || w.faulty && w.dice.one(1000) {
		return
	}
	w.after(w.travel(), func() {
		if unheard() || !w.serverUp {
			return
		}
		in := at()
		if !w.faulty || !w.dice.one(1000) {
			n.arrive(w.travel(), func() { end(in) })
		}
	})
}

// travel is how long something is on its way to the server, or back.
func (w *world) travel() time.Duration {
	if w.faulty && w.dice.one(1000) {
		return w.dice.between(50*time.Millisecond, 3*time.Second)
	}
	return w.dice.between(time.Millisecond, 10*time.Millisecond)
}

func (k *keeper) look() {
	sent := k.n.moment()
	k.ask(lease.GapMost, k.n.away, func() lease.Input {
		return lease.Input{Kind: lease.Looked, Sent: sent, Look: k.n.w.owners.look()}
	}, lease.Input{Kind: lease.Unseen}, nil)
}

func (k *keeper) write(e *lease.Effect) {
	n, sent, f := k.n, k.n.moment(), &k.fence[e.Stream]
	stored := func() lease.Input {
		seq, taken := n.w.owners.record(n, e)
		if !taken {
			return lease.Input{Kind: lease.Refused, Stream: e.Stream}
		}
		return lease.Input{Kind: lease.Stored, Stream: e.Stream, Seq: seq, Sent: sent}
	}
	k.ask(recordTimeout, n.mute, stored, lease.Input{Kind: lease.Unanswered, Stream: e.Stream}, func(in *lease.Input) {
		if in.Kind == lease.Stored {
			f.seq = in.Seq
		}
		f.done()
	})
}

// mute tells whether what the node writes does not arrive.
func (n *node) mute() bool { return n.away() || n.host.mute }

// beat has the journal take a guarded write, unless one is under way, which
// proves as much.
func (k *keeper) beat() {
	n, f := k.n, &k.fence[lease.Journal]
	if f.under > 0 || f.writing || f.record != nil {
		n.after(0, func() { k.step(lease.Input{Kind: lease.Beaten}) })
		return
	}
	f.under++
	sent, guard := n.moment(), f.seq
	taken := func() lease.Input {
		if !n.w.owners.takes(n, lease.Journal, guard) {
			return lease.Input{Kind: lease.Deposed}
		}
		return lease.Input{Kind: lease.Proved, Sent: sent}
	}
	k.ask(beatTimeout, n.mute, taken, lease.Input{Kind: lease.Ticked}, func(*lease.Input) {
		f.leave()
		n.after(0, func() { k.step(lease.Input{Kind: lease.Beaten}) })
	})
}

// owners are the records of who owns the shard, and what guards the streams by
// them, on the server.
type owners struct {
	w       *world
	records [lease.Streams]transport.OwnerRecord
	last    [lease.Streams]uint64 // sequences of what was stored, records among it
	leader  int
}

func (o *owners) look() lease.Look {
	return lease.Look{Leader: strconv.Itoa(o.leader), Last: o.last[lease.Journal], Records: o.records}
}

// takes tells whether a stream takes a write that names the record at a sequence.
func (o *owners) takes(n *node, s lease.Stream, guard uint64) bool {
	if o.records[s].Seq != guard {
		o.w.did(refusedWrites)
		o.w.note(line{what: "is refused", n: int64(n.life), more: streamWords[s]})
		return false
	}
	o.last[s]++
	o.w.judge.wrote(n, s)
	return true
}

var streamWords = [lease.Streams]string{"ATTEMPTS", "DEFERRED", "DEADLETTERS"}

// record stores a record in place of the one that is named.
func (o *owners) record(n *node, e *lease.Effect) (seq uint64, taken bool) {
	if o.records[e.Stream].Seq != e.After || e.Silent && o.last[e.Stream] != e.Last {
		return 0, false
	}
	o.last[e.Stream]++
	o.records[e.Stream] = transport.OwnerRecord{Owner: e.Owner, Seq: o.last[e.Stream]}
	o.w.note(line{what: "owner's record", n: int64(n.life), seq: e.Owner.Epoch, more: streamWords[e.Stream]})
	o.w.judge.recorded(n, e)
	return o.last[e.Stream], true
}
