package quota

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Who has stored far more than others, who publish too, is asked to wait while
// much waits to be taken up; nobody else is, and who is alone never.
func TestWhoHoldsMuchWaits(t *testing.T) {
	b, at, seq := NewBacklog(), time.Unix(1_000_000, 0), uint64(0)
	add := func(customer string, n int, bytes int64) {
		for range n {
			seq++
			b.Add(at, seq, customer, bytes)
		}
	}
	want := func(what string, customers map[string]bool) {
		t.Helper()
		at = at.Add(recount)
		for customer, much := range customers {
			if got := b.Much(at, customer); got != much {
				t.Errorf("%s: %s waits: %t", what, customer, got)
			}
		}
	}
	add("flood", 5000, 100)
	want("alone", map[string]bool{"flood": false})
	add("other", 10, 100)
	want("beside another", map[string]bool{"flood": true, "other": false, "new": false})
	b.TakenUp(4100)
	want("when most was taken up", map[string]bool{"flood": false, "other": false})
	add("flood", 9, 1<<20)
	want("with a few large ones", map[string]bool{"flood": true, "other": false})
	b.TakenUp(seq)
	if want("when all was", map[string]bool{"flood": false}); b.Waiting() != 0 {
		t.Errorf("%d wait", b.Waiting())
	}
	at = at.Add(2 * activeFor)
	add("flood", 5000, 100)
	want("when the other has ended", map[string]bool{"flood": false})
	add("third", 2000, 100)
	want("two that publish much", map[string]bool{"flood": true, "third": false})
}

// What waits is what was stored and not taken up, whatever the order.
func TestABacklogAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, at := NewBacklog(), time.Unix(1_000_000, 0)
		next, up := uint64(1), uint64(0)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 100).Draw(t, "events") {
				b.Add(at, next, fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "customer")), 10)
				next++
			}
			up = rapid.Uint64Range(up, next-1).Draw(t, "up")
			b.TakenUp(up)
			b.Much(at, "0")
			sum := 0
			for _, by := range b.of {
				sum += by.events
			}
			if want := int(next - 1 - up); b.Waiting() != want || sum != want || b.bytes != int64(10*want) {
				t.Fatalf("%d wait, told %d of %d bytes, of customers %d", want, b.Waiting(), b.bytes, sum)
			}
		}
	})
}
