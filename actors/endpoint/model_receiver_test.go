package endpoint

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// mood is how the receiver behaves.
type mood uint8

const (
	well mood = iota
	slow
	failing
	moody
	throttling
	hanging
	unreachable
	gone
	moods
)

// sent begins an attempt, which must be allowed; its end comes after a while.
func (w *world) sent(e *Effect, p *pair) {
	w.checkSend(e, p)
	answer, took := w.answer()
	if w.away && w.canary {
		w.canary = false
	}
	f := &flight{began: w.now, arrives: w.now.Add(time.Duration(w.noise.Float64() * float64(took)))}
	d := e.Delivery
	w.flying[d.Lease] = f
	w.reference.sent(w.now, d.Lease)
	if answer.Class != transport.Skip && answer.Class != transport.Refused {
		w.arrivals.add(f.arrives)
	}
	w.after(took, func() { w.answered(d, answer) })
}

// answer is what the receiver makes of an attempt, and how long it takes.
func (w *world) answer() (*transport.Answer, time.Duration) {
	m := w.mood
	if m == moody {
		m = mood(w.noise.IntN(int(moods)))
	}
	if w.away && m != gone {
		m = unreachable
	}
	a := &transport.Answer{Class: transport.Failed, Status: 500, Reason: transport.ReasonStatus}
	took := w.between(time.Millisecond, 300*time.Millisecond)
	switch m {
	case well:
		a = &transport.Answer{Class: transport.Delivered, Status: 200}
	case slow:
		a, took = &transport.Answer{Class: transport.Delivered, Status: 200}, w.between(time.Second, 10*time.Second)
	case throttling:
		a = &transport.Answer{Class: transport.Throttled, Status: 429, Reason: transport.ReasonStatus}
		if w.oneIn(2) {
			a.RetryAfter = w.between(time.Second, time.Hour)
		}
	case hanging:
		a, took = &transport.Answer{Class: transport.Failed, Reason: transport.ReasonTimeout}, w.policy.Timeout
	case unreachable:
		a = &transport.Answer{Class: transport.Failed, Reason: transport.ReasonConnect, Unreached: true}
	case gone:
		if w.oneIn(10) {
			a = &transport.Answer{Class: transport.Gone, Status: 410, Reason: transport.ReasonGone}
		}
	}
	if w.quiet {
		a.Took = took
		return a, took
	}
	switch w.noise.IntN(60) {
	case 0:
		return &transport.Answer{Class: transport.Skip, Reason: "unfit"}, 0
	case 1:
		return &transport.Answer{Class: transport.Refused, Reason: transport.ReasonAddressRefused}, took
	case 2:
		return &transport.Answer{Class: transport.Failed, Reason: transport.ReasonLocal}, took
	}
	a.Took = took
	return a, took
}

// answered brings an attempt's end to the machine, and to the reference first.
func (w *world) answered(d *Delivery, a *transport.Answer) {
	l := d.Lease
	f, p := w.flying[l], w.hand[l]
	delete(w.flying, l)
	ours := w.away && a.Unreached
	number := len(d.Tries) + 1
	last := !w.policy.Retries || number > len(w.policy.Schedule)
	p.earliest = w.now.Add(a.RetryAfter)
	if !last {
		p.earliest = later(p.earliest, w.now.Add(w.shortest(number)))
	}
	w.reference.answered(w, l, f, a, ours, last)
	if a.Class == transport.Delivered {
		w.delivered++
	}
	w.step(Input{Kind: Answered, Delivery: d, Answer: a, Began: f.began, Ours: ours})
}

// shortest is the least wait after so many attempts.
func (w *world) shortest(made int) time.Duration {
	return time.Duration(float64(w.policy.Schedule[made-1]) * (1 - w.policy.Jitter))
}

func (w *world) recorded(e *Effect, p *pair) {
	if e.Answer.Class == transport.Delivered {
		delete(w.hand, e.Delivery.Lease)
		p.ended = true
		return
	}
	if !e.At.IsZero() && e.At.Before(p.earliest) {
		w.t.Fatalf("the next attempt of %v at %s, not allowed before %s", p.Pair, e.At, p.earliest)
	}
}

// The actions.

func (w *world) anyPolicy() Policy {
	t := w.draw
	p := Policy{
		Tuning: &w.tuning, Endpoint: "ep", Timeout: 15 * time.Second,
		Retries:     rapid.IntRange(0, 5).Draw(t, "no retries") > 0,
		Schedule:    make([]time.Duration, rapid.IntRange(0, 6).Draw(t, "schedule")),
		Jitter:      rapid.SampledFrom([]float64{0, 0.2}).Draw(t, "jitter"),
		Concurrency: rapid.SampledFrom([]int{1, 2, 8, 64}).Draw(t, "concurrency"),
		Rate:        rapid.SampledFrom([]float64{0, 0, 0.5, 5, 50, 1000}).Draw(t, "rate"),
		Burst:       rapid.SampledFrom([]int{1, 2, 20, 100}).Draw(t, "burst"),
		Ordered:     rapid.IntRange(0, 2).Draw(t, "ordered") == 0,
		MaxWaiting:  rapid.SampledFrom([]int{0, 0, 0, 30}).Draw(t, "max waiting"),
		MaxAge:      rapid.SampledFrom([]time.Duration{0, 0, 0, 10 * time.Minute}).Draw(t, "max age"),
		GoneAtOnce:  rapid.Bool().Draw(t, "gone at once"),
	}
	for i := range p.Schedule {
		p.Schedule[i] = time.Duration(rapid.SampledFrom([]int{1, 5, 10, 300, 1800}).Draw(t, "wait")) * time.Second
	}
	return p
}

func (w *world) leaseSome() {
	for range rapid.SampledFrom([]int{1, 3, 20, 200}).Draw(w.draw, "leases") {
		seq := uint64(len(w.pairs) + 1)
		w.fresh(0, &transport.Event{Seq: seq, Time: w.now, Data: make([]byte, 100)})
	}
}

// leaseReplays asks for events of before once more, old as they are.
func (w *world) leaseReplays() {
	if len(w.pairs) == 0 {
		return
	}
	first := rapid.IntRange(0, len(w.pairs)-1).Draw(w.draw, "from")
	for i := range min(5, len(w.pairs)-first) {
		if w.pairs[first+i].Replay == 0 {
			w.fresh(uint64(len(w.pairs)+1), w.pairs[first+i].event)
		}
	}
}

func (w *world) fresh(replay uint64, ev *transport.Event) {
	p := &pair{Pair: transport.Pair{Seq: ev.Seq, Replay: replay, Endpoint: "ep"}, event: ev}
	w.pairs = append(w.pairs, p)
	w.give(p)
}

func (w *world) waitABit() {
	w.pass(w.now.Add(time.Duration(rapid.Int64Range(0, 20_000).Draw(w.draw, "ms")) * time.Millisecond))
}

func (w *world) waitLong() {
	w.pass(w.now.Add(time.Duration(rapid.Int64Range(1, 3000).Draw(w.draw, "s")) * time.Second))
}

func (w *world) newMood() { w.mood = mood(rapid.IntRange(0, int(moods)-1).Draw(w.draw, "mood")) }

func (w *world) changed(p Policy, resumed, moved bool) {
	if limits := p.Rate != w.policy.Rate || p.Burst != w.policy.Burst; limits {
		w.arrivals.limit(w, &p)
	}
	w.policy = p
	w.policy.Closed = ""
	w.reference.changed(resumed, moved)
	w.step(Input{Kind: Changed, Policy: &p, Resumed: resumed, Moved: moved})
}

func (w *world) changeSome() {
	paused := w.policy.Paused
	p := w.anyPolicy()
	p.Paused = paused
	w.changed(p, false, false)
}

func (w *world) move() { w.changed(w.policy, false, true) }

func (w *world) pause() {
	p := w.policy
	p.Paused = true
	w.changed(p, false, false)
}

func (w *world) resume() {
	p := w.policy
	p.Paused = false
	w.changed(p, true, false)
}

func (w *world) shed() {
	w.step(Input{Kind: Shed, Keep: rapid.IntRange(0, 20).Draw(w.draw, "keep")})
}

func (w *world) uplink() {
	if w.away = !w.away; w.away {
		w.canary = false
		w.step(Input{Kind: UplinkLost})
		return
	}
	w.step(Input{Kind: UplinkBack})
}

func (w *world) sendCanary() {
	w.canary = w.away
	w.step(Input{Kind: Canary})
}

// crash ends the node. What was in hand comes again: what came from DEFERRED
// from there, some time later, the fresh ones at once and in order.
func (w *world) crash() {
	w.life++
	w.arrivals.cut(w.now)
	clear(w.flying)
	var fresh []*pair
	for _, p := range w.pairs {
		if p.burying {
			p.ended, p.burying = false, false
		}
		switch {
		case p.ended:
		case p.coming:
			p.backAt = later(p.backAt, w.now)
			w.schedule(p)
		case p.parked:
			w.putOff(p, w.between(0, time.Second))
		default:
			fresh = append(fresh, p)
		}
	}
	clear(w.hand)
	w.storing, w.lists, w.away, w.canary = 0, 0, false, false
	w.reference = w.durable
	w.reference.restarted()
	w.begin(w.now)
	slices.SortFunc(fresh, byPlace)
	for _, p := range fresh {
		w.give(p)
	}
}
