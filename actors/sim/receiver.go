package sim

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// mode is how a receiver behaves for a while.
type mode int

const (
	healthy mode = iota
	slow
	loaded  // the slower the more it has to do
	failing // answers 500
	lying   // takes it, and answers 500
	hanging // never answers
	refusing
	unreachable
	throttling
	gone // answers 410
	modes
)

var modeWords = [...]string{"healthy", "slow", "slower under load", "failing", "lying", "hanging",
	"refusing connections", "unreachable", "throttling", "gone"}

// receiver is an endpoint and the receiver behind it.
type receiver struct {
	id       string
	customer string
	number   int
	// endpoint is the registry's; nil: removed.
	endpoint *transport.Endpoint
	mode     mode
	busy     int
	base     time.Duration // a usual answer's time
	took     map[transport.Pair]int

	view view // what the judge knows of it
}

// attempt is one on its way.
type attempt struct {
	n       *node
	rcv     *receiver
	pair    transport.Pair
	number  int
	began   time.Duration
	ended   time.Duration // where it is over
	version int           // of the endpoint's settings
	key     uint64
	end     func(transport.Answer)
	over    bool
	// waited at its node's gate; left it.
	waited, left bool
}

// travel takes the attempt to the receiver.
func (a *attempt) travel() {
	w := a.n.w
	timeout := time.Duration(a.rcv.view.now.Delivery.Timeout)
	there := w.dice.between(200*time.Microsecond, 20*time.Millisecond)
	if w.dice.one(30) {
		there = w.dice.between(20*time.Millisecond, 300*time.Millisecond)
	}
	w.after(timeout, func() {
		a.finish(transport.Answer{Class: transport.Failed, Reason: transport.ReasonTimeout})
	})
	switch {
	case w.uplinkDown || a.rcv.mode == unreachable:
		w.after(there, func() {
			a.finish(transport.Answer{Class: transport.Failed, Reason: "connect", Unreached: true})
		})
	case a.rcv.mode == refusing:
		w.after(there, func() { a.finish(transport.Answer{Class: transport.Failed, Reason: "connect"}) })
	default:
		w.after(there, a.reach)
	}
}

// reach brings the request to the receiver, or, where its node was frozen between
// its check and the network, when that goes on: another may own the shard by then.
func (a *attempt) reach() {
	n, w := a.n, a.n.w
	if !n.alive || !n.frozen || !w.dice.one(3) {
		a.rcv.arrived(w, a)
		return
	}
	n.late = append(n.late, func() {
		if !a.over {
			w.did(lateRequests)
			a.rcv.arrived(w, a)
		}
	})
}

// arrived is the request at the receiver, who answers as its mode is.
func (rcv *receiver) arrived(w *world, a *attempt) {
	w.judge.arrived(a)
	if rcv.mode == hanging {
		return
	}
	rcv.busy++
	w.after(rcv.thinks(w), func() {
		rcv.busy--
		answer := rcv.answer(w)
		if answer.Class == transport.Delivered || rcv.mode == lying {
			rcv.took[a.pair]++
			if rcv.took[a.pair] > 1 {
				w.did(receivedTwice)
			}
		}
		w.after(w.dice.between(200*time.Microsecond, 20*time.Millisecond), func() { a.finish(answer) })
	})
}

func (rcv *receiver) thinks(w *world) time.Duration {
	d := rcv.base/2 + w.dice.between(0, rcv.base)
	switch rcv.mode {
	case slow:
		return d + w.dice.between(500*time.Millisecond, 4*time.Second)
	case loaded:
		return d * time.Duration(rcv.busy*rcv.busy)
	}
	return d
}

func (rcv *receiver) answer(w *world) transport.Answer {
	switch rcv.mode {
	case failing, lying:
		return transport.Answer{Class: transport.Failed, Status: 500, Reason: "status"}
	case gone:
		return transport.Answer{Class: transport.Gone, Status: 410, Reason: "status"}
	case throttling:
		a := transport.Answer{Class: transport.Throttled, Status: of(w.dice, 429, 503), Reason: "status"}
		if w.dice.one(2) {
			a.RetryAfter = w.dice.between(time.Second, 3*time.Minute).Truncate(time.Second)
		}
		return a
	}
	return transport.Answer{Class: transport.Delivered, Status: 200}
}

// finish brings the answer to the node, unless something else came first.
func (a *attempt) finish(answer transport.Answer) { a.n.run(func() { a.finished(answer) }) }

func (a *attempt) finished(answer transport.Answer) {
	if a.over {
		return
	}
	w := a.n.w
	a.over, a.ended = true, w.now
	delete(a.n.flying, a.key)
	if a.left {
		answer.Took = w.now - a.began
		if a.n.judged() {
			w.judge.answered(a, &answer)
		}
	}
	w.note(line{what: "answer " + answer.Class.String(), endpoint: a.rcv.id, seq: a.pair.Seq, n: int64(answer.Status), more: answer.Reason})
	if w.o.Plant == IgnoredRetryAfter {
		answer.RetryAfter = 0
	}
	a.end(answer)
}

func (rcv *receiver) turn(w *world, m mode) {
	if rcv.mode == m {
		return
	}
	rcv.mode = m
	if m != healthy {
		w.did(firstMode + fault(m))
	}
	w.note(line{what: "receiver is", endpoint: rcv.id, more: modeWords[m]})
}
