package ledger

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// clock is a time that tests set.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestLocal(t *testing.T) {
	const window = 2 * time.Minute
	type step struct {
		arrives time.Duration // after start
		ev      *transport.Event
		want    uint64
	}
	other := event(9, "a", time.Second)
	other.Customer = "globex"
	joined := &transport.Event{Seq: 9, ID: "b", IDGiven: true, Customer: "acmea", Stored: start}
	for name, steps := range map[string][]step{
		"the same id again":            {{0, event(5, "a", 0), 0}, {1, event(9, "a", 1), 5}, {2, event(12, "a", 2), 5}},
		"a redelivery":                 {{0, event(5, "a", 0), 0}, {1, event(5, "a", 0), 0}},
		"a duplicate redelivered":      {{0, event(5, "a", 0), 0}, {1, event(9, "a", 1), 5}, {2, event(9, "a", 1), 5}},
		"another customer's":           {{0, event(5, "a", 0), 0}, {1, other, 0}},
		"customer and id do not blend": {{0, event(5, "ab", 0), 0}, {1, joined, 0}},
		"no id given":                  {{0, event(5, "", 0), 0}, {1, event(9, "", 1), 0}},
		"just within the window":       {{0, event(5, "a", 0), 0}, {window - time.Millisecond, event(9, "a", window-time.Millisecond), 5}},
		"a window later":               {{0, event(5, "a", 0), 0}, {window, event(9, "a", window), 0}, {window, event(10, "a", window), 9}},
		"duplicates do not prolong": {{0, event(5, "a", 0), 0}, {window - time.Second, event(9, "a", window-time.Second), 5},
			{window + time.Second, event(12, "a", window+time.Second), 0}},
		"published far apart, a backlog worked down fast": {{0, event(5, "a", 0), 0}, {1, event(9, "a", time.Hour), 0}, {2, event(12, "a", time.Hour), 9}},
		"the earlier one comes back later":                {{0, event(9, "a", 1), 0}, {1, event(5, "a", 0), 0}, {2, event(9, "a", 1), 0}},
		"an old one comes back much later":                {{0, event(9, "a", time.Hour), 0}, {1, event(5, "a", 0), 0}, {2, event(12, "a", time.Hour), 9}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{start}
			l := NewLocal(window, c.now)
			for i, s := range steps {
				c.t = start.Add(s.arrives)
				ev := *s.ev
				l.Check(&ev)
				if ev.DuplicateOf != s.want {
					t.Errorf("step %d: sequence %d is marked as a duplicate of %d, want %d", i, ev.Seq, ev.DuplicateOf, s.want)
				}
			}
		})
	}
}

func TestLocalUsesArrivalWhereTheLogHasNoTime(t *testing.T) {
	c := &clock{start}
	l := NewLocal(time.Minute, c.now)
	first := &transport.Event{Seq: 1, ID: "a", IDGiven: true}
	l.Check(first)
	c.t = start.Add(59 * time.Second)
	second := &transport.Event{Seq: 2, ID: "a", IDGiven: true}
	l.Check(second)
	if second.DuplicateOf != 1 {
		t.Errorf("marked as a duplicate of %d, want 1", second.DuplicateOf)
	}
}

func TestPrime(t *testing.T) {
	// Down for an hour: what comes again is of the time before.
	c := &clock{start.Add(time.Hour)}
	l := NewLocal(2*time.Minute, c.now)
	l.Prime(transport.SeenID{Customer: "acme", ID: "a", Seq: 5, At: start})
	l.Prime(transport.SeenID{Customer: "acme", ID: "a", Seq: 6, At: start.Add(time.Second)})
	l.Prime(transport.SeenID{Customer: "acme", ID: "b", Seq: 7, At: start.Add(time.Second)})
	for _, s := range []struct {
		ev   *transport.Event
		want uint64
	}{
		{event(5, "a", 0), 0},
		{event(6, "a", time.Second), 5},
		{event(8, "a", time.Minute), 5},
		{event(9, "b", time.Hour), 0},
	} {
		if l.Check(s.ev); s.ev.DuplicateOf != s.want {
			t.Errorf("sequence %d is marked as a duplicate of %d, want %d", s.ev.Seq, s.ev.DuplicateOf, s.want)
		}
	}
}

// TestLocalLikeModel compares Local with a map that forgets when Local may.
// Times of the log count in milliseconds.
func TestLocalLikeModel(t *testing.T) {
	const window = 8 * time.Second
	type seen struct {
		seq         uint64
		at, arrived time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{start}
		l := NewLocal(window, c.now)
		l.table = newTable(1 << 20)
		model := map[string]seen{}
		var past []*transport.Event
		for seq := range rapid.Uint64Range(1, 200).Draw(t, "events") {
			c.t = c.t.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "ms")) * time.Millisecond / 8)
			id := strconv.Itoa(rapid.IntRange(0, 5).Draw(t, "id"))
			lag := time.Duration(rapid.IntRange(0, 20000).Draw(t, "lag")) * time.Millisecond
			ev := event(seq+1, id, c.t.Sub(start)-lag)
			if len(past) > 0 && rapid.IntRange(0, 3).Draw(t, "redelivered") == 0 {
				again := *rapid.SampledFrom(past).Draw(t, "again")
				again.DuplicateOf = 0
				ev = &again
			}
			past = append(past, ev)

			l.table.expire(c.t, window)
			kept := l.table.find(keyOf(ev.Customer, ev.ID)) != 0
			m, known := model[ev.ID]
			age := c.t.Sub(m.arrived)
			if kept && (!known || age >= window*9/8) || !kept && known && age < window {
				t.Fatalf("kept %v, %v after it arrived (known %v)", kept, age, known)
			}
			apart := time.Duration(ev.Stored.UnixMilli()-m.at.UnixMilli()) * time.Millisecond
			var want uint64
			switch {
			case !kept, apart >= window:
				model[ev.ID] = seen{ev.Seq, ev.Stored, c.t}
			case apart > -window && m.seq < ev.Seq:
				want = m.seq
			}
			if l.Check(ev); ev.DuplicateOf != want {
				t.Fatalf("sequence %d is marked as a duplicate of %d, want %d", ev.Seq, ev.DuplicateOf, want)
			}
			l.table.verify(t)
		}
	})
}

// verify holds the invariants of the table.
func (t *table) verify(f interface{ Fatalf(string, ...any) }) {
	count := 0
	for _, p := range t.index {
		if p != 0 {
			count++
			if got := t.find(t.keyAt(p)); got != p {
				f.Fatalf("place %d is found as %d", p, got)
			}
		}
	}
	if count != t.count || len(t.queue)+len(t.free) != len(t.chunks) {
		f.Fatalf("count %d of %d, %d queued and %d free of %d chunks", t.count, count, len(t.queue), len(t.free), len(t.chunks))
	}
}

// TestOneAlwaysGoesOut: crashes, redeliveries in any order and a memory lost at
// any moment never make every event of an id a duplicate.
func TestOneAlwaysGoesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{start}
		l := NewLocal(time.Minute, c.now)
		n := rapid.Uint64Range(1, 8).Draw(t, "events")
		var waiting []uint64
		for seq := range n {
			waiting = append(waiting, seq+1)
		}
		delivered := 0
		for len(waiting) > 0 {
			i := rapid.IntRange(0, len(waiting)-1).Draw(t, "which")
			switch rapid.IntRange(0, 5).Draw(t, "fate") {
			case 0:
				l = NewLocal(time.Minute, c.now)
				continue
			case 1:
				l.Check(event(waiting[i], "a", 0)) // and a crash before its outcome
				continue
			}
			ev := event(waiting[i], "a", 0)
			if l.Check(ev); ev.DuplicateOf == 0 {
				delivered++
			}
			waiting = slices.Delete(waiting, i, i+1)
		}
		if delivered == 0 {
			t.Fatalf("none of %d events went out", n)
		}
	})
}

func TestTableGrowsShrinksAndStaysBounded(t *testing.T) {
	const window = 8 * time.Second
	c := &clock{start}
	l := NewLocal(window, c.now)
	l.table = newTable(40 * chunkIDs)
	for seq := range uint64(100_000) {
		c.t = c.t.Add(10 * time.Microsecond)
		l.Check(event(seq+1, strconv.FormatUint(seq, 10), 0))
		if l.table.count > 40*chunkIDs {
			t.Fatalf("%d ids are kept", l.table.count)
		}
	}
	l.table.verify(t)
	last := event(200_000, "99999", 0)
	if l.Check(last); last.DuplicateOf != 100_000 {
		t.Errorf("the newest id is marked as a duplicate of %d, want 100000", last.DuplicateOf)
	}
	c.t = c.t.Add(window * 2)
	l.Check(event(300_000, "later", 0))
	if l.Len() != 1 || len(l.table.index) > 8*minIndex {
		t.Errorf("%d ids, %d slots after all expired", l.Len(), len(l.table.index))
	}
}

func TestLocalAllocatesNothingForKnownIDs(t *testing.T) {
	l := NewLocal(0, nil)
	ev := event(1, "5b0c2fb4-9c1c-4a3e-8a5b-0d9f3f2f7f11", 0)
	if n := testing.AllocsPerRun(100, func() { l.Check(ev) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzKey: customer and id never blend, whatever their bytes.
func FuzzKey(f *testing.F) {
	f.Add("acme", "a", "acmea", "")
	f.Add("a\x00", "b", "a", "\x00b")
	f.Add("", "\xff\xfe", "", "\xff")
	f.Fuzz(func(t *testing.T, c1, id1, c2, id2 string) {
		same := c1 == c2 && id1 == id2
		l := NewLocal(0, nil)
		l.Check(&transport.Event{Seq: 1, Customer: c1, ID: id1, IDGiven: true})
		ev := &transport.Event{Seq: 2, Customer: c2, ID: id2, IDGiven: true}
		if l.Check(ev); (ev.DuplicateOf == 1) != same {
			t.Errorf("%q %q and %q %q: duplicate of %d", c1, id1, c2, id2, ev.DuplicateOf)
		}
	})
}

// BenchmarkLocalCheck is one new id at 20,000 a second, with two minutes of
// them kept; it prints the memory of all of them, per id and in MiB.
func BenchmarkLocalCheck(b *testing.B) {
	const kept = 2_400_000
	c := &clock{start}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := NewLocal(0, c.now)
	ev := &transport.Event{Customer: "acme", IDGiven: true}
	next := func() {
		c.t = c.t.Add(50 * time.Microsecond)
		ev.Seq++
		ev.ID = fmt.Sprintf("%032x", ev.Seq)
		ev.Stored = c.t
	}
	for range kept {
		next()
		l.Check(ev)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		next()
		l.Check(ev)
	}
	size := float64(after.HeapAlloc - before.HeapAlloc)
	b.ReportMetric(size/kept, "B/id")
	b.ReportMetric(size/(1<<20), "MiB")
	runtime.KeepAlive(l)
}
