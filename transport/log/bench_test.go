package log

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// busy gives the messages of a node with 1,000 endpoints: one in a hundred
// deliveries fails at first, one in a thousand for good.
func busy(messages int) (all [][]*transport.Record) {
	endpoints := make([]string, 1000)
	for i := range endpoints {
		endpoints[i] = fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012d", i)
	}
	seq := uint64(0)
	for range messages {
		var records []*transport.Record
		for range 128 {
			seq++
			endpoint := endpoints[seq*7919%1000]
			at := testTime.Add(time.Duration(seq) * time.Millisecond)
			fan := &transport.Record{Kind: transport.FanOut, Seq: seq, Customer: fmt.Sprintf("customer-%d", seq%50),
				EventID: fmt.Sprintf("5fd0aad3d64a9900%08x", seq), EventType: "access.granted", At: at, Endpoints: []string{endpoint}}
			try := *fan
			try.Kind, try.Endpoint, try.Endpoints, try.Number = transport.Tried, endpoint, nil, 1
			try.Answer = transport.Answer{Class: transport.Delivered, Status: 200, Took: 3 * time.Millisecond, FirstByte: 2 * time.Millisecond}
			records = append(records, fan, &try)
			if seq%100 == 0 {
				try.Answer.Class, try.Answer.Status, try.Answer.Reason = transport.Failed, 503, "status"
				second := *fan
				second.Kind, second.Endpoint, second.Endpoints, second.Number = transport.Tried, endpoint, nil, 2
				second.Answer = transport.Answer{Class: transport.Delivered, Status: 200}
				if seq%1000 == 0 {
					second.Kind, second.Reason = transport.DeadLettered, transport.ReasonExhausted
				}
				records = append(records, &second)
			}
		}
		all = append(all, records)
	}
	return all
}

func filled(b *testing.B, deliveries int) *table {
	t := newTable(maxRows)
	for seq, records := range busy(deliveries / 128) {
		for i, r := range records {
			t.record(placeOf(uint64(seq+1), i), r)
		}
	}
	return t
}

// BenchmarkIndex is taking in decoded records: ns a delivery.
func BenchmarkIndex(b *testing.B) {
	messages := busy(2000)
	x := &Index{Options: Options{Now: time.Now, MaxAttempts: 200_000, SnapshotEvery: time.Hour}, table: newTable(maxRows), savedAt: time.Now()}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		records := messages[n%len(messages)]
		n++
		for _, r := range records {
			r.Seq += uint64(len(messages) * 128)
		}
		if err := x.message(transport.JournalPosition{Seq: uint64(n)}, records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*128), "ns/delivery")
	b.ReportMetric(float64(x.table.bytes())/float64(x.table.count()), "B/delivery")
}

// BenchmarkList is one page of 100 out of 1,000,000 deliveries, all pages of
// what is rare.
func BenchmarkList(b *testing.B) {
	table := filled(b, 1_000_000)
	b.Logf("%d deliveries, %.0f B each", table.count(), float64(table.bytes())/float64(table.count()))
	for _, c := range []struct {
		name string
		f    transport.DeliveryFilter
	}{
		{"newest", transport.DeliveryFilter{}},
		{"endpoint", transport.DeliveryFilter{Endpoint: "5f0c2b7e-8f7d-4a63-9a55-000000000017"}},
		{"endpoint-all-500", transport.DeliveryFilter{Endpoint: "5f0c2b7e-8f7d-4a63-9a55-000000000017", Limit: 500}},
		{"event-old", transport.DeliveryFilter{EventID: fmt.Sprintf("5fd0aad3d64a9900%08x", 77)}},
		{"event-none", transport.DeliveryFilter{EventID: "none"}},
		{"status-503-of-final", transport.DeliveryFilter{Outcomes: []transport.Outcome{{Status: 503}}}},
		{"status-none", transport.DeliveryFilter{Outcomes: []transport.Outcome{{Status: 418}}}},
		{"dead_lettered", transport.DeliveryFilter{Outcomes: []transport.Outcome{{State: transport.StateDeadLettered}}}},
		{"customer-and-type", transport.DeliveryFilter{Customer: "customer-7", EventType: "access.>"}},
		{"oldest-hour", transport.DeliveryFilter{To: testTime.Add(time.Minute)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				page, err := table.page(context.Background(), &c.f)
				if err != nil {
					b.Fatal(err)
				}
				n = len(page.Deliveries)
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
}

// BenchmarkSnapshot writes and reads 1,000,000 deliveries.
func BenchmarkSnapshot(b *testing.B) {
	table, path := filled(b, 1_000_000), b.TempDir()+"/"+snapshotFile
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := writeSnapshot(path, transport.JournalPosition{Seq: 1}, table); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, got, err := readSnapshot(path, maxRows); err != nil || got.count() != table.count() {
				b.Fatal(err)
			}
		}
	})
}
