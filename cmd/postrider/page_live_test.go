package main

import (
	"fmt"
	"net/http"
	"testing"
)

// mostNodes bounds the elements of a page, whatever comes.
const mostNodes = 2000

// rows is how many rows of a list are shown.
const rows = "document.querySelectorAll('main tr[data-row]').length"

// The list is live; it stands still while something is open and when it is told
// to, and says how many are new; a burst is sampled and counted, and whole again
// afterwards.
func TestPageFollowsDeliveries(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`"}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.see("All is well")
	p.open("/ui/deliveries")
	p.see("No deliveries yet")
	n.publishMany("events.acme.one.sent", 1)
	p.await("the delivery, delivered, without a reload", "byWords('one.sent')?.innerText.includes('delivered')")
	p.click("one.sent")
	p.await("the drawer", "document.querySelector('.drawer')?.innerText.includes('Attempts')")
	n.publishMany("events.acme.two.sent", 2)
	p.see("2 new")
	if got := js[int](p, rows); got != 1 {
		t.Errorf("%d rows beside an open delivery", got)
	}
	p.click("2 new")
	p.await("three rows", rows+" === 3")
	p.click("Pause")
	n.publishMany("events.acme.three.sent", 3)
	p.see("3 new")
	p.click("Go on")
	p.await("six rows", rows+" === 6")
	for i := range 6 {
		n.publishMany(fmt.Sprintf("events.acme.burst%d.sent", i), 500)
		if nodes := js[int](p, "document.querySelectorAll('*').length"); nodes > mostNodes {
			t.Errorf("%d elements in a burst", nodes)
		}
	}
	n.await("all to be delivered", func() bool { return to.count() == 3006 })
	p.await("a whole list once it is quiet", rows+" === 100 && byWords('burst5.sent') && !top().innerText.includes('Too fast') && !document.querySelector('.fresh')")
}

// A span of time that is dragged over becomes the list's filter, and then a
// replay, which is counted before it begins.
func TestPageFromASpikeToAReplay(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`"}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	n.publishMany("events.acme.spike.sent", 7)
	n.await("all to be delivered", func() bool { return to.count() == 7 })
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.await("the chart", "document.querySelector('.plot svg')?.getAttribute('aria-label').includes('7 delivered')")
	js[bool](p, `const s = document.querySelector('.plot svg'), box = s.getBoundingClientRect();
		for (const [what, at] of [['pointerdown', 0.93], ['pointermove', 0.96], ['pointermove', 0.995], ['pointerup', 0.995]])
			s.dispatchEvent(new PointerEvent(what, { clientX: box.left + at * box.width, clientY: box.top + 20, pointerId: 1, bubbles: true })); true`)
	p.await("the filter", "new URLSearchParams(location.search).get('from') && "+rows+" === 7")
	p.await("how many there are", "document.querySelector('.range').innerText.includes('7 deliveries')")
	p.click("Replay these…")
	p.click("Replay 7 deliveries")
	p.see("7 of 7: 7 replayed")
	n.await("each at the receiver again", func() bool { return to.count() == 14 })
}

// count is how many came.
func (v *visited) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.ids)
}
