package sim

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// eventLog is EVENTS with its consumer.
type eventLog struct {
	consumer
	events []entry
	floor  uint64 // all up to it are acked
	next   uint64 // the first that was never handed out since the last reset
	first  uint64 // that is not purged
	// Those below purgeable may be purged where nothing refers to them.
	purgeable uint64
	recent    []recentAck
}

type entry struct {
	event      *transport.Event
	unreadable bool
	acked      bool
	lost       bool // on its way, once
	nothing    bool // in the place of what the log lost
	purged     bool
	kept       bool // it was moved to KEPT
}

// recentAck may be lost when the server is killed; message is DEFERRED's.
type recentAck struct {
	seq     uint64
	message *parked
	at      time.Duration
}

// lastFew keeps what a kill may cost.
func lastFew(all []recentAck) []recentAck {
	if n := len(all); n > 4*ackLossMost {
		return append(all[:0], all[n-ackLossMost:]...)
	}
	return all
}

const (
	// ackLossMost is how many of the last acks a kill may cost, and ackLossFor
	// how old they are at most.
	ackLossMost = 18
	ackLossFor  = time.Second
)

func newLog(w *world, most int) *eventLog {
	l := &eventLog{next: 1, first: 1}
	l.consumer = consumer{w: w, stream: "EVENTS", most: most}
	l.consumer.acked = l.ack
	l.reset()
	return l
}

func (l *eventLog) last() uint64 { return uint64(len(l.events)) }

func (l *eventLog) at(seq uint64) *entry { return &l.events[seq-1] }

// publish stores one event and gives its sequence.
func (l *eventLog) publish(ev *transport.Event, unreadable bool) uint64 {
	l.events = append(l.events, entry{event: ev, unreadable: unreadable})
	ev.Seq = l.last()
	if l.w.judge.known(ev.Seq) {
		l.w.breaks("12: a sequence means one event for ever", "event %d is another than the one that had its number", ev.Seq)
	}
	ev.Stored = l.w.serverNow()
	ev.Time = ev.Stored
	return ev.Seq
}

func (l *eventLog) ack(seq uint64) {
	e := l.at(seq)
	delete(l.pending, seq)
	if e.acked {
		return
	}
	e.acked = true
	l.recent = lastFew(append(l.recent, recentAck{seq: seq, at: l.w.now}))
	l.settleFloor()
}

func (l *eventLog) settleFloor() {
	for l.floor < l.last() && l.at(l.floor+1).acked {
		l.floor++
	}
}

// kill loses the last acks.
func (l *eventLog) kill() {
	n := l.w.dice.IntN(ackLossMost + 1)
	for i := len(l.recent) - 1; i >= 0 && n > 0 && l.w.now-l.recent[i].at < ackLossFor; i, n = i-1, n-1 {
		l.at(l.recent[i].seq).acked = false
		l.floor = min(l.floor, l.recent[i].seq-1)
		l.w.did(lostAck)
	}
	l.recent = nil
}

// toFloor is a reset of the consumer: all above the floor comes again.
func (l *eventLog) toFloor() uint64 {
	l.reset()
	l.floor = max(l.floor, l.first-1)
	for seq := l.floor + 1; seq <= l.last(); seq++ {
		l.at(seq).acked = l.at(seq).nothing
	}
	l.next, l.recent = l.floor+1, nil
	return l.floor
}

// pull hands one event to the node; false where there is none, or no room.
func (l *eventLog) pull(n *node) bool {
	again := len(l.again) > 0 && (l.next > l.last() || !l.w.dice.one(3))
	seq, i := l.next, 0
	switch {
	case again:
		i = l.choose()
		seq = l.again[i]
	case l.next > l.last() || l.full():
		return false
	}
	e := l.at(seq)
	if room, _ := n.shard.Room(e.event.Size()); !room && !e.acked {
		return false
	}
	if again {
		l.again = unlist(l.again, i)
	} else {
		l.next++
	}
	if !e.acked {
		l.give(n, seq)
	}
	return true
}

func (l *eventLog) give(n *node, seq uint64) {
	e := l.at(seq)
	switch {
	case l.w.faulty && !e.lost && l.w.dice.one(300): // a broken connection, or a payload out of reach
		e.lost = true // twice in a row is longer than an ordered endpoint waits
		l.w.did(swallowed)
		l.w.note(line{what: "delivery lost", seq: seq})
		l.hand(seq, of(l.w.dice, ackWait, time.Second))
		return
	case e.unreadable:
		l.hand(seq, ackWait)
		l.w.note(line{what: "unreadable", seq: seq})
		n.bury(transport.Pair{Seq: seq}, (&handle{n: n, c: &l.consumer, seq: seq}).Ack)
		n.shard.Passed(seq)
		return
	}
	l.hand(seq, ackWait)
	l.came(n, seq)
}

// came gives an event to the node's shard.
func (l *eventLog) came(n *node, seq uint64) {
	l.w.judge.acts(n, "pulls")
	l.w.note(line{what: "event", seq: seq})
	n.inHand[inHand{&l.consumer, seq}] = true
	n.shard.Event(l.at(seq).event, &handle{n: n, c: &l.consumer, seq: seq})
}

// swallow sends what is there to a node that is frozen while its pull is open. It
// takes the events in when it goes on, or hands them back where it may not act.
func (l *eventLog) swallow(n *node) {
	for n.frozen && l.w.now < n.pullEnds && n.pulls() && l.next <= l.last() && !l.full() && !l.at(l.next).unreadable {
		seq := l.next
		l.next++
		if !l.at(seq).acked {
			l.w.did(intoASocket)
			l.w.note(line{what: "into a socket", seq: seq})
			l.hand(seq, ackWait)
			n.late = append(n.late, func() { l.unswallow(n, seq) })
		}
	}
}

func (l *eventLog) unswallow(n *node, seq uint64) {
	h := &handle{n: n, c: &l.consumer, seq: seq}
	room, _ := n.shard.Room(l.at(seq).event.Size())
	switch {
	case !n.keeper.acts() || !n.pulling:
		h.Nak()
	case !room:
		n.after(100*time.Millisecond, func() { l.unswallow(n, seq) })
	default:
		l.came(n, seq)
	}
}

// there tells which events the log has; where it cannot be asked, it may have all.
func (n *node) there(seqs []uint64, told func(there []uint64)) {
	n.arrive(n.w.dice.between(time.Millisecond, 20*time.Millisecond), func() {
		var there []uint64
		for _, seq := range seqs {
			if l := n.w.log; n.away() || seq >= l.first && seq <= l.last() && !l.at(seq).purged && !l.at(seq).nothing {
				there = append(there, seq)
			}
		}
		told(there)
	})
}
