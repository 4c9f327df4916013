package log

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// model is the delivery log as simple as can be: a list, oldest first.
type model struct{ deliveries []*transport.LoggedDelivery }

func (m *model) find(r *transport.Record, endpoint string) *transport.LoggedDelivery {
	pair := transport.Pair{Seq: r.Seq, Endpoint: endpoint, Replay: r.Replay}
	for _, d := range m.deliveries {
		if d.Pair == pair && d.Customer == r.Customer {
			return d
		}
	}
	at := r.At.Truncate(time.Millisecond)
	d := &transport.LoggedDelivery{Pair: pair, Customer: r.Customer, EventID: r.EventID, EventType: r.EventType,
		State: transport.StateWaiting, Since: at, Changed: at}
	m.deliveries = append(m.deliveries, d)
	return d
}

func (m *model) record(r *transport.Record) {
	for _, endpoint := range r.Endpoints {
		m.find(r, endpoint)
	}
	if r.Kind == transport.FanOut {
		return
	}
	d := m.find(r, r.Endpoint)
	if r.Kind == transport.Tried {
		d.Attempts++
	}
	if d.State.Settled() {
		return
	}
	d.Reason, d.NextAt = r.Reason, time.Time{}
	if d.Changed = r.At.Add(r.Answer.Took).Truncate(time.Millisecond); d.Changed.Before(d.Since) {
		d.Changed = d.Since
	}
	switch r.Kind {
	case transport.Skipped:
		d.State = transport.StateSkipped
	case transport.DeadLettered:
		d.State = transport.StateDeadLettered
	case transport.Tried:
		d.State, d.Status, d.Class, d.Reason = transport.StateRetrying, r.Answer.Status, r.Answer.Class, r.Answer.Reason
		if d.Class == transport.Delivered {
			d.State = transport.StateDelivered
		} else {
			d.NextAt = r.NextAt.Truncate(time.Millisecond)
			if earliest := d.Since.Add(time.Millisecond); !r.NextAt.IsZero() && d.NextAt.Before(earliest) {
				d.NextAt = earliest // a row has no number for the same moment
			}
		}
	}
}

func (m *model) list(f *transport.DeliveryFilter) (found []transport.LoggedDelivery) {
	for _, d := range slices.Backward(m.deliveries) {
		if (f.Customer == "" || f.Customer == d.Customer) && (f.Endpoint == "" || f.Endpoint == d.Endpoint) &&
			(f.EventID == "" || f.EventID == d.EventID) && (f.EventType == "" || transport.MatchType(f.EventType, d.EventType)) &&
			(len(f.Outcomes) == 0 || slices.ContainsFunc(f.Outcomes, func(o transport.Outcome) bool {
				return o.State != 0 && o.State == d.State || o.Class != 0 && o.Class == d.Class || o.Status != 0 && o.Status == d.Status
			})) &&
			(f.From.IsZero() || !d.Since.Before(f.From)) && (f.To.IsZero() || d.Since.Before(f.To)) {
			found = append(found, *d)
		}
	}
	return found
}

func (m *model) pairs() (all []transport.Pair) {
	for _, d := range m.deliveries {
		all = append(all, d.Pair)
	}
	return all
}

// drawn gives records like a journal's, and some that no journal has.
func drawn(t *rapid.T) *transport.Record {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	seq := rapid.Uint64Range(1, 40).Draw(t, "seq")
	r := &transport.Record{
		Kind: transport.Kind(rapid.IntRange(1, 4).Draw(t, "kind")), Seq: seq,
		Replay: rapid.SampledFrom([]uint64{0, 0, 0, 7, 1 << 60}).Draw(t, "replay"), Customer: pick("customer", "acme", "acme", "beta"),
		EventID: fmt.Sprint("event-", seq/2), EventType: pick("type", "access.granted", "access.denied.x", "door"),
		At: testTime.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "at"))),
	}
	if r.Kind == transport.FanOut {
		r.Endpoints = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID).Draw(t, "endpoints")
		return r
	}
	r.Endpoint = pick("endpoint", "a", "b", "c", "d", "")
	r.Reason = pick("reason", "expired", "retries_exhausted")
	if r.Kind == transport.Tried {
		r.Number = 1
		r.Answer = transport.Answer{Class: transport.Class(rapid.IntRange(1, 5).Draw(t, "class")),
			Status: rapid.SampledFrom([]int{0, 200, 500, 503}).Draw(t, "status"), Reason: pick("answer", "", "status", "timeout"),
			Took: time.Duration(rapid.Int64Range(0, 3e10).Draw(t, "took"))}
		if rapid.Bool().Draw(t, "next") {
			r.NextAt = r.At.Add(time.Duration(rapid.Int64Range(1e7, 1e12).Draw(t, "next at")))
		}
	}
	return r
}

func drawnFilter(t *rapid.T) *transport.DeliveryFilter {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(append(of, "", "", "")).Draw(t, name) }
	f := &transport.DeliveryFilter{Customer: pick("customer", "acme", "beta", "nobody"), Endpoint: pick("endpoint", "a", "b", "x"),
		EventID: pick("event", "event-3", "event-11", "event-1", "event-"), EventType: pick("type", "access.>", "door", "access.granted", ">", "y"),
		Outcomes: drawnOutcomes(t), Limit: rapid.IntRange(1, 20).Draw(t, "limit")}
	if rapid.Bool().Draw(t, "from") {
		f.From = testTime.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "from at")))
	}
	if rapid.Bool().Draw(t, "to") {
		f.To = testTime.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "to at")))
	}
	return f
}

// drawnOutcomes are none, one or several.
func drawnOutcomes(t *rapid.T) (list []transport.Outcome) {
	for range rapid.IntRange(0, 3).Draw(t, "outcomes") {
		switch rapid.IntRange(0, 2).Draw(t, "of") {
		case 0:
			list = append(list, transport.Outcome{State: transport.DeliveryState(rapid.IntRange(1, 5).Draw(t, "state"))})
		case 1:
			list = append(list, transport.Outcome{Class: transport.Class(rapid.IntRange(1, 5).Draw(t, "class"))})
		default:
			list = append(list, transport.Outcome{Status: rapid.SampledFrom([]int{200, 500, 503}).Draw(t, "status")})
		}
	}
	return list
}

// listed reads all pages.
func listed(t rapid.TB, table *table, f transport.DeliveryFilter) (all []transport.LoggedDelivery) {
	t.Helper()
	for {
		page, err := table.page(context.Background(), &f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Deliveries...)
		if f.Cursor = page.Next; f.Cursor == "" {
			return all
		}
		if len(page.Deliveries) != f.Limit {
			t.Fatalf("a page of %d with a next one; the limit is %d", len(page.Deliveries), f.Limit)
		}
	}
}

// whole checks what must hold inside a table at any time.
func whole(t rapid.TB, table *table) {
	t.Helper()
	uses, rows := map[uint32]uint32{}, 0
	for which := range table.shelves {
		s := &table.shelves[which]
		for n, c := range s.chunks {
			for i := range c.n {
				rows++
				uses[c.who[i]]++
				r := ref(uint32(which)<<31 | ((s.base+uint32(n))&(1<<chunkBits-1))<<rowBits | uint32(i))
				if got := table.find(c.seq[i], c.replays[uint16(i)], c.who[i]); got != r {
					t.Fatalf("row %x is found as %x", r, got)
				}
			}
		}
	}
	if rows != table.count() {
		t.Fatalf("%d rows, %d found by pair", rows, table.count())
	}
	for who, n := range table.parties.uses {
		if uses[uint32(who)] != n {
			t.Fatalf("party %d has %d uses, not %d", who, uses[uint32(who)], n)
		}
	}
}

func same(t rapid.TB, got, want []transport.LoggedDelivery) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("delivery %d\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d deliveries, want %d", len(got), len(want))
	}
}

// A query gives what brute force gives, in the same order, page by page; and
// so does one of what a snapshot of the table gives back.
func TestListIsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, m := newTable(rapid.IntRange(1, 9).Draw(t, "rows")), &model{}
		for seq := range rapid.IntRange(1, 30).Draw(t, "messages") {
			for number := range rapid.IntRange(0, 4).Draw(t, "records") {
				r := drawn(t)
				table.record(placeOf(uint64(seq+1), number), r)
				m.record(r)
			}
		}
		whole(t, table)
		read := reread(t, table)
		whole(t, read)
		for range 5 {
			f := drawnFilter(t)
			same(t, listed(t, table, *f), m.list(f))
			same(t, listed(t, read, *f), m.list(f))
		}
		for _, p := range m.pairs() {
			if c, i := table.row(table.lookup(p)); c.seq[i] != p.Seq {
				t.Fatalf("%+v is not found", p)
			}
		}
	})
}

// What is dropped is the oldest, and of that what was delivered or skipped,
// unless elder is full; what is left is as it was.
func TestTrimDropsTheOldestThatIsDone(t *testing.T) {
	const rows, none = 4, int64(-1 << 63)
	for name, bound := range map[string]func(now time.Time) (limit int, oldest int64){
		"by age":  func(now time.Time) (int, int64) { return 1 << 30, millis(now.Add(-time.Minute)) },
		"by size": func(time.Time) (int, int64) { return 12 * newChunk(rows).bytes(), none },
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			table, m := newTable(rows), &model{}
			for seq := uint64(1); seq <= 120; seq++ {
				r := drawn(t)
				r.Seq = rapid.Uint64Range(max(seq, 20)-19, seq).Draw(t, "seq near")
				later := testTime.Add(time.Duration(seq) * time.Second)
				if !r.NextAt.IsZero() {
					r.NextAt = later.Add(r.NextAt.Sub(r.At))
				}
				r.At = later
				m.record(r)
				table.record(placeOf(seq, 0), r)
				limit, oldest := bound(r.At)
				table.trim(limit, oldest)
				dropped := m.drop(table)
				for _, d := range dropped {
					if millis(d.Since) > table.pruned {
						t.Fatalf("dropped, and said to be there: %+v", d)
					}
					if name == "by age" && (millis(d.Since) >= oldest || d.State < transport.StateDelivered || d.State == transport.StateDeadLettered) {
						t.Fatalf("dropped: %+v", d)
					}
				}
				if n := len(table.shelves[recent].chunks); n > 1 && table.bytes() > limit {
					t.Fatalf("%d bytes, the limit is %d", table.bytes(), limit)
				}
			}
			whole(t, table)
			same(t, listed(t, table, transport.DeliveryFilter{Limit: 7}), m.list(&transport.DeliveryFilter{}))
			same(t, listed(t, reread(t, table), transport.DeliveryFilter{Limit: 9}), m.list(&transport.DeliveryFilter{}))
		}))
	}
}

// drop takes out of the model what the table has no more.
func (m *model) drop(t *table) (dropped []*transport.LoggedDelivery) {
	m.deliveries = slices.DeleteFunc(m.deliveries, func(d *transport.LoggedDelivery) bool {
		gone := true
		if who, known := t.parties.numbers[party{d.Customer, d.Endpoint}]; known {
			gone = t.find(d.Seq, d.Replay, who) == noRef
		}
		if gone {
			dropped = append(dropped, d)
		}
		return gone
	})
	return dropped
}
