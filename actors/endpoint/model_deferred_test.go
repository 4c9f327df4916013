package endpoint

import (
	"slices"
	"time"
)

// park puts a pair into DEFERRED, from where it comes back more or less in time.
func (w *world) park(e *Effect, p *pair) {
	l := e.Delivery
	w.parkings++
	delete(w.hand, l.Lease)
	if e.At.Before(l.Due) {
		w.t.Fatalf("parked until %s, before it is due at %s", e.At, l.Due)
	}
	p.tries, p.hop, p.due, p.parked = slices.Clone(l.Tries), l.Hop+1, l.Due, true
	w.putOff(p, e.At.Add(w.lateness()).Sub(w.now))
}

func (w *world) lateness() time.Duration {
	if w.oneIn(50) {
		return -w.between(0, 5*time.Second)
	}
	return w.between(0, 400*time.Millisecond)
}

func (w *world) putOff(p *pair, d time.Duration) {
	p.coming, p.backAt = true, w.now.Add(d)
	w.count.Entries++
	w.count.Bytes += int64(p.event.Size())
	if p.due.IsZero() {
		w.count.Ready++
	}
	w.schedule(p)
}

func (w *world) schedule(p *pair) {
	hop := p.hop
	w.after(p.backAt.Sub(w.now), func() {
		if p.coming && p.hop == hop {
			w.comesBack(p)
		}
	})
}

func (w *world) comesBack(p *pair) {
	p.coming = false
	w.back[w.now.Unix()]++
	w.count.Entries--
	w.count.Bytes -= int64(p.event.Size())
	if p.due.IsZero() {
		w.count.Ready--
	}
	if w.policy.Ordered && !w.quiet && w.oneIn(100) { // it was found to have ended
		p.ended = true
		w.step(Input{Kind: NoLongerParked, Unparked: []Unparked{{p.place(), p.hop}}})
		return
	}
	w.give(p)
}

// give hands a pair over, now and then to be put aside.
func (w *world) give(p *pair) {
	l := &Lease{Pair: p.Pair, Event: p.event, Tries: slices.Clone(p.tries), Hop: p.hop, Due: p.due}
	w.hand[l] = p
	if w.policy.Ordered && !w.quiet && w.oneIn(50) {
		w.step(Input{Kind: PutAside, Lease: l})
		if w.hand[l] != nil {
			w.t.Fatalf("pair %v is in hand, though it was put aside", p.Pair)
		}
		return
	}
	w.step(Input{Kind: Leased, Lease: l})
}

// recall brings what waits for room back, the lowest first, after a while.
func (w *world) recall(n int) {
	if n < 1 || n > maxRecall {
		w.t.Fatalf("recall of %d", n)
	}
	w.after(w.between(0, 300*time.Millisecond), func() {
		for _, p := range w.parked() {
			if n > 0 && p.coming && p.due.IsZero() {
				n--
				w.after(w.between(0, 100*time.Millisecond), func() {
					if p.coming {
						w.comesBack(p)
					}
				})
			}
		}
		w.step(Input{Kind: Recalled})
	})
}

// list tells what is parked or came back and is not settled, as it is some time
// before the machine learns it.
func (w *world) list(number int) {
	w.lists = number
	w.after(w.between(0, 300*time.Millisecond), func() {
		var all []ParkedPair
		for _, p := range w.parked() {
			all = append(all, ParkedPair{Place: p.place(), Due: p.due, Hop: p.hop})
		}
		for _, p := range w.pairs { // of segments that others still hold
			if p.parked && p.ended && w.oneIn(5) {
				all = append(all, ParkedPair{Place: p.place(), Hop: p.hop})
				w.after(w.between(0, time.Second), func() {
					w.step(Input{Kind: NoLongerParked, Unparked: []Unparked{{p.place(), p.hop}}})
				})
			}
		}
		w.after(w.between(0, 300*time.Millisecond), func() {
			if w.lists == number {
				w.lists = 0
			}
			w.step(Input{Kind: Listed, Number: number, Pairs: all})
		})
	})
}

// parked are the pairs in DEFERRED that are not settled, in order.
func (w *world) parked() (all []*pair) {
	for _, p := range w.pairs {
		if p.parked && !p.ended {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, byPlace)
	return all
}
