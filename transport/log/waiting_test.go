package log

import (
	"context"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// What waits is told as brute force over the list has it.
func TestWaitingIsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, m := newTable(rapid.IntRange(1, 9).Draw(t, "rows")), &model{}
		for seq := range rapid.IntRange(1, 60).Draw(t, "records") {
			r := drawn(t)
			table.record(placeOf(uint64(seq+1), 0), r)
			m.record(r)
		}
		want := map[string]transport.WaitingSpan{}
		for _, d := range m.deliveries {
			if d.State.Settled() || d.Endpoint != "a" && d.Endpoint != "c" {
				continue
			}
			w := want[d.Endpoint]
			if w.Oldest.IsZero() || d.Since.Before(w.Oldest) {
				w.Oldest = d.Since
			}
			if !d.NextAt.IsZero() && (w.Next.IsZero() || d.NextAt.Before(w.Next)) {
				w.Next = d.NextAt
			}
			want[d.Endpoint] = w
		}
		got, err := table.waiting(context.Background(), []string{"a", "c", "gone"})
		if err != nil {
			t.Fatal(err)
		}
		same := func(a, b transport.WaitingSpan) bool { return a.Oldest.Equal(b.Oldest) && a.Next.Equal(b.Next) }
		if !maps.EqualFunc(got, want, same) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
