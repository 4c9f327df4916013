package endpoint

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// A receiver of any mood, a DEFERRED that hands back late or early, a store
// and a list that take their time, changes of mind and crashes of the node:
// the machine's promises hold after every step, and once the receiver is well
// everything ends.
func TestTheMachineKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "noise"))
		w.t, w.draw = t, t
		w.start(w.anyPolicy())
		actions := map[string]func(){
			"lease": w.leaseSome, "lease more": w.leaseSome, "replay": w.leaseReplays,
			"wait": w.waitABit, "wait on": w.waitABit, "wait long": w.waitLong,
			"mood": w.newMood, "mood again": w.newMood, "change": w.changeSome, "move": w.move,
			"pause": w.pause, "resume": w.resume, "shed": w.shed,
			"uplink": w.uplink, "canary": w.sendCanary, "crash": w.crash,
		}
		names := make([]string, 0, len(actions))
		for name := range actions {
			names = append(names, name)
		}
		slices.Sort(names)
		for range rapid.IntRange(5, 60).Draw(t, "actions") {
			actions[rapid.SampledFrom(names).Draw(t, "action")]()
		}
		w.end()
	})
}

// world is what is round one machine.
type world struct {
	t interface {
		Fatal(...any)
		Fatalf(string, ...any)
	}
	draw   *rapid.T // nil: nothing is drawn
	noise  *rand.Rand
	tuning Tuning
	policy Policy
	now    time.Time
	events events
	m      *Machine
	life   int // of the node: what an earlier one began is not told
	steps  int
	quiet  bool // nothing odd happens any more
	wake   time.Time

	pairs  []*pair
	hand   map[*Lease]*pair
	flying map[*Lease]*flight
	count  transport.Parked
	mood   mood
	away   bool
	canary bool

	storing   int
	lists     int // the list that is awaited
	reference reference
	durable   reference // as of what is stored
	memory    transport.Memory
	arrivals  arrivals
	delivered int
	parkings  int
	back      map[int64]int // pairs that came back, by the second
}

// pair is one pair with what of it is durable.
type pair struct {
	transport.Pair
	event    *transport.Event
	tries    []transport.Try
	hop      uint32
	due      time.Time // its own, by the machine
	earliest time.Time // of its next attempt, by the policy and the receiver
	parked   bool      // lies in DEFERRED, or came back and is not settled
	coming   bool      // lies there still, until backAt
	backAt   time.Time
	ended    bool
	burying  bool // ended, and that is not durable yet
}

func (p *pair) place() transport.Place { return transport.Place{Replay: p.Replay, Seq: p.Seq} }

func byPlace(a, b *pair) int {
	if a.place().Before(b.place()) {
		return -1
	}
	return 1
}

// flight is one attempt under way.
type flight struct{ began, arrives time.Time }

type event struct {
	at time.Time
	n  int
	do func()
}

// events are what will happen, the soonest first.
type events struct {
	all []event
	n   int
}

func (e *events) Len() int { return len(e.all) }
func (e *events) Less(i, j int) bool {
	a, b := e.all[i], e.all[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.n < b.n
}
func (e *events) Swap(i, j int) { e.all[i], e.all[j] = e.all[j], e.all[i] }
func (e *events) Push(x any)    { e.all = append(e.all, x.(event)) }
func (e *events) Pop() any {
	last := e.all[len(e.all)-1]
	e.all = e.all[:len(e.all)-1]
	return last
}

func newWorld(seed uint64) *world {
	return &world{
		noise: rand.New(rand.NewPCG(seed, 1)), tuning: DefaultTuning(), now: time.Unix(1_700_000_000, 0),
		hand: map[*Lease]*pair{}, flying: map[*Lease]*flight{}, back: map[int64]int{},
	}
}

// start begins with a policy.
func (w *world) start(p Policy) {
	w.policy = p
	w.arrivals.limit(w, &w.policy)
	w.begin(time.Time{})
}

// begin starts a machine, as after a start of the node.
func (w *world) begin(lastSend time.Time) {
	w.m, w.wake = &Machine{}, time.Time{}
	p, memory := w.policy, w.memory
	w.step(Input{Kind: Begun, Policy: &p, Memory: &memory, LastSend: lastSend})
}

// after has something happen in this life of the node.
func (w *world) after(d time.Duration, do func()) {
	life := w.life
	w.events.n++
	heap.Push(&w.events, event{w.now.Add(d), w.events.n, func() {
		if life == w.life {
			do()
		}
	}})
}

// between is a random duration, small ones as likely as large ones.
func (w *world) between(least, most time.Duration) time.Duration {
	f := w.noise.Float64()
	return least + time.Duration(f*f*f*float64(most-least))
}

func (w *world) oneIn(n int) bool { return w.noise.IntN(n) == 0 }

// pass lets time go on to t, with all that happens before.
func (w *world) pass(t time.Time) {
	for {
		next := t
		tick := !w.wake.IsZero() && !w.wake.After(next)
		if tick {
			next = w.wake
		}
		if w.events.Len() > 0 && !w.events.all[0].at.After(next) && !(tick && w.events.all[0].at.Equal(next)) {
			e := heap.Pop(&w.events).(event)
			w.now = later(w.now, e.at)
			e.do()
			continue
		}
		w.now = later(w.now, next)
		if !tick {
			return
		}
		w.wake = time.Time{}
		w.step(Input{})
	}
}

// step gives the machine an input and the effects to the world.
func (w *world) step(in Input) {
	in.Parked = w.count
	if w.steps++; w.steps > 1_000_000 {
		w.t.Fatal("steps without end")
	}
	for _, e := range slices.Clone(w.m.Step(w.now, in)) {
		w.perform(&e)
	}
	w.check()
}

func (w *world) perform(e *Effect) {
	var p *pair
	if e.Delivery != nil {
		if p = w.hand[e.Delivery.Lease]; p == nil {
			w.t.Fatalf("effect %d for pair %v, whose lease ended", e.Do, e.Delivery.Pair)
		}
	}
	switch e.Do {
	case Send:
		w.sent(e, p)
	case Record:
		w.recorded(e, p)
	case Park:
		w.park(e, p)
	case Bury, Skip:
		delete(w.hand, e.Delivery.Lease)
		p.ended = true
		if e.Wait {
			w.bury(p)
		}
	case Release:
		w.t.Fatalf("pair %v was released by a node that goes on", p.Pair)
	case Remember:
		memory, reference := *e.Memory, w.reference
		w.store(func() { w.memory, w.durable = memory, reference })
	case Wake:
		if !e.At.After(w.now) {
			w.t.Fatalf("to look again at %s, which is not after %s", e.At, w.now)
		}
		w.wake = e.At
	case Recall:
		w.recall(e.Entries)
	case List:
		w.list(e.Number)
	}
}

// bury has the end of a pair stored, after a while.
func (w *world) bury(p *pair) {
	p.burying = true
	w.after(w.between(0, time.Second), func() {
		p.burying = false
		w.step(Input{Kind: Buried, Place: p.place()})
	})
}

// store has something stored, after a while.
func (w *world) store(then func()) {
	w.storing++
	w.after(w.between(0, time.Second), func() {
		w.storing--
		then()
		w.step(Input{Kind: Stored})
	})
}
