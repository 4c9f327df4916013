package sim

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// fault is a kind of what may go wrong.
type fault int

const (
	killed fault = iota
	drained
	outages
	uplinkLost
	halts
	clockJumps
	edited
	replayed
	lostAck
	swallowed
	redelivered
	firedTwice
	setBack
	parkedAnew
	brokenOff
	receivedTwice
	retryAfters
	eventsPurged
	eventsMoved
	eventsGone
	lostReads
	takings
	deposed
	frozen
	cutOffs
	muted
	refusedWrites
	lostAnswers
	lateAcks
	intoASocket
	lateRequests
	cutAttempts
	firstMode
	faults = firstMode + fault(modes)
)

var faultWords = [...]string{"kill -9", "graceful stops", "NATS away", "uplink down", "owners halted", "clock jumps", "registry changes",
	"replays", "acks lost", "deliveries lost on the way", "redeliveries", "schedules fired twice", "streams set back", "segments parked anew",
	"attempts broken off", "receipts repeated", "Retry-After kept", "events purged", "events moved to KEPT", "references to events that are gone",
	"reads that failed", "takings of the shard", "owners deposed", "nodes frozen", "nodes cut off from NATS", "nodes whose writes are lost",
	"guarded writes refused", "answers to writes lost", "acks after a reset", "events sent to a frozen node", "requests late by a freeze", "attempts cut"}

func (f fault) String() string {
	if f > firstMode {
		return "receivers " + modeWords[f-firstMode]
	}
	return faultWords[f]
}

func (w *world) did(f fault) { w.counts[f]++ }

// modes has a receiver change its mode now and then.
func (w *world) modes(rcv *receiver) {
	mean := float64(w.plan.modeLasts)
	w.after(time.Duration(mean*-math.Log(1-w.dice.Float64())), func() {
		if !w.faulty {
			return
		}
		m := mode(w.dice.IntN(int(modes)))
		if m == gone && !w.dice.one(6) || w.dice.one(3) {
			m = healthy
		}
		rcv.turn(w, m)
		w.modes(rcv)
	})
}

// stop ends the owner gracefully; a node comes back there after a while.
func (w *world) stop() {
	if n := w.node; n != nil && n.pulling && !n.frozen {
		w.did(drained)
		n.drain()
	}
}

// outage takes NATS away from all nodes for a while.
func (w *world) outage() {
	if w.away {
		return
	}
	w.did(outages)
	w.away = true
	w.note(line{what: "NATS is away"})
	w.after(w.dice.between(500*time.Millisecond, 90*time.Second), w.natsBack)
}

func (w *world) natsBack() {
	if w.away {
		w.away = false
		if w.dice.one(2) {
			w.owners.leader++ // another server leads the streams
		}
		w.note(line{what: "NATS is back"})
	}
}

// uplink takes the nodes' own uplink down for a while.
func (w *world) uplink() {
	w.did(uplinkLost)
	w.uplinkDown = true
	w.note(line{what: "the uplink is down"})
	w.after(w.dice.between(3*time.Second, 2*time.Minute), func() {
		w.uplinkDown = false
		w.note(line{what: "the uplink is back"})
	})
}

// mostAhead bounds the server's clock against one that is right: less than the
// margin that a recovery allows for.
const mostAhead = 25 * time.Second

// jump sets the server's clock. The node's goes on as it was; it learns of it
// within some seconds and has what is parked written anew.
func (w *world) jump() {
	w.did(clockJumps)
	w.serverAhead = w.dice.between(-mostAhead, mostAhead)
	w.note(line{what: "the server's clock is", more: w.serverAhead.String()})
	w.deferred.scheduleAll()
	w.after(w.dice.between(0, 10*time.Second), w.realign)
}

func (w *world) realign() {
	n := w.node
	switch {
	case n == nil: // the next one begins with it
	case n.away():
		w.after(time.Second, w.realign)
	default:
		n.realign()
	}
}

func (n *node) realign() {
	if n.away() {
		n.after(time.Second, n.realign)
		return
	}
	n.skew = n.w.serverAhead - n.ahead
	for _, p := range n.w.deferred.all {
		if !p.gone && !p.due {
			p.fires = p.wake.Add(n.skew)
		}
	}
	n.w.deferred.scheduleAll()
}

// edit changes one endpoint, or adds one.
func (w *world) edit() {
	w.did(edited)
	d := w.dice
	if d.one(8) {
		rcv := w.newReceiver()
		w.modes(rcv)
		w.register(rcv, rcv.endpoint)
		return
	}
	rcv := of(d, w.receivers...)
	if rcv.endpoint == nil {
		return
	}
	next := *rcv.endpoint
	switch d.IntN(10) {
	case 0:
		w.register(rcv, nil)
		return
	case 1:
		next.State = transport.StateDisabled
	case 2, 3:
		next.State = transport.StatePaused
	case 4:
		next.State, next.Enabled = transport.StateActive, true
	case 5:
		next.URL = "https://receiver/" + strconv.Itoa(d.IntN(1000))
	case 6:
		next.Delivery.Ordered = !next.Delivery.Ordered
	case 7:
		w.limit(&next.Delivery)
	case 8:
		next.Delivery = w.newDelivery()
	case 9:
		next.Events = of(d, wanted...)
	}
	w.register(rcv, &next)
}

// replay asks for a few pairs that have ended once more.
func (w *world) replay() {
	if w.filling {
		return
	}
	var entries []transport.Entry
	rcv := of(w.dice, w.receivers...)
	w.replays++
	for _, d := range w.judge.all {
		if d.rcv == rcv && d.final != "" && d.pair.Replay == 0 && !w.log.at(d.pair.Seq).nothing && !w.log.at(d.pair.Seq).purged && len(entries) < 16 && w.dice.one(2) {
			e := transport.Entry{Event: w.log.at(d.pair.Seq).event, Replay: w.replays, Hop: 1, Due: w.nodeNow()}
			w.refer(&e)
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 || !w.serverUp {
		return
	}
	w.did(replayed)
	w.note(line{what: "replay", endpoint: rcv.id, n: int64(len(entries))})
	for _, e := range entries {
		d := w.judge.delivery(transport.Pair{Seq: e.Event.Seq, Endpoint: rcv.id, Replay: e.Replay})
		d.owed, d.owedKept = true, true
		name := transport.ParkedSegment{Endpoint: rcv.id, First: placeOf(&e), Hop: 1, Entries: 1, Bytes: int64(e.Event.Size()), Counted: true}
		if name.Refers = e.Refers; e.Refers {
			name.Low = e.Event.Seq
		}
		w.deferred.store(&parked{id: fmt.Sprintf("replay.%d.%d", e.Replay, e.Event.Seq), name: name, customer: rcv.customer, endpoint: rcv.id,
			entries: []transport.Entry{e}, wake: e.Due, fires: w.serverNow()})
	}
}

// calmDown ends all faults: from now on everything must come to its end.
func (w *world) calmDown() {
	w.faulty = false
	w.killIn, w.freezeIn = 0, 0
	w.natsBack()
	for _, h := range w.hosts {
		h.reconnect()
	}
	w.uplinkDown = false
	w.note(line{what: "all is calm"})
	for _, rcv := range w.receivers {
		rcv.turn(w, healthy)
		if ep := rcv.endpoint; ep != nil && ep.State == transport.StatePaused {
			next := *ep
			next.State = transport.StateActive
			w.register(rcv, &next)
		}
	}
	w.calmAt = w.now
}
