package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func journaled(t testing.TB, s *Store) (all []*transport.Record) {
	t.Helper()
	err := s.ReadJournal(jettest.Context(t), time.Time{}, func(r *transport.Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJournalKeepsOrderInFewMessages(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	const n = 5000
	w := jettest.NewCountdown(n)
	rec := jettest.TriedRecord(0, 1, transport.Delivered)
	for i := range n {
		rec.Seq = uint64(i + 1) // the record may be used again at once
		j.Append(rec, w)
	}
	if err := j.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	w.Wait(t)
	got := journaled(t, s)
	if len(got) != n {
		t.Fatalf("%d records", len(got))
	}
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d is of %d", i, r.Seq)
		}
	}
	if info := jettest.StreamState(t, s.js, shard.Attempts()); info.Msgs > n/batchRecords+1 {
		t.Errorf("%d messages for %d records", info.Msgs, n)
	}
	alone := jettest.NewCountdown(1)
	j.Append(rec, alone) // leaves by itself
	alone.Wait(t)
	jettest.ShutWith(t, j.Close)
	jettest.ShutWith(t, j.Close)
	j.Append(rec, jettest.NewCountdown(1)) // after the close: nothing
	closeStore(t, s)
}

func TestJournalSurvivesARestartOfNATS(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	j := s.Journal()
	defer jettest.ShutWith(t, j.Close)
	const n = 20000
	w := jettest.NewCountdown(n)
	for i := range n {
		if i == n/4 {
			b.Stop()
		}
		if i == n/2 {
			b.Start()
		}
		j.Append(jettest.TriedRecord(uint64(i+1), 1, transport.Delivered), w)
		if i%1000 == 0 && (i < n/4 || i > n/2) {
			if err := j.Flush(jettest.Context(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Wait(t)
	got := journaled(t, s)
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d is of %d: lost, doubled or out of order", i, r.Seq)
		}
	}
	if len(got) != n || w.Over != 0 {
		t.Fatalf("%d records, %d waiters told twice", len(got), w.Over)
	}
}

func TestJournalThatCannotWriteTellsNobody(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	j := s.Journal()
	b.Stop()
	w := jettest.NewCountdown(1)
	j.Append(jettest.TriedRecord(1, 1, transport.Delivered), w)
	jettest.Eventually(t, func() bool { n, fault := j.Pending(); return n == 1 && fault != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := j.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closing without NATS: %v", err)
	}
	if w.Reached() {
		t.Error("told that a record is durable which is not")
	}
	b.Start() // so that the store can close
}

func TestJournalSplitsAFanOutOfManyEndpoints(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	defer jettest.ShutWith(t, j.Close)
	r := &transport.Record{Kind: transport.FanOut, Seq: 1, Customer: "acme", EventID: "x", At: jettest.Time}
	for i := range 100_000 {
		r.Endpoints = append(r.Endpoints, fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i))
	}
	w := jettest.NewCountdown(1)
	j.Append(r, w)
	w.Wait(t)
	if got := journaled(t, s); len(got) != 1 || len(got[0].Endpoints) != 100_000 {
		t.Fatalf("%d records", len(got))
	}
}

func BenchmarkJournal(b *testing.B) {
	for _, sync := range []time.Duration{2 * time.Minute, 0} {
		b.Run(fmt.Sprintf("synced=%v", sync == 0), func(b *testing.B) {
			o := embeddedOptions(b)
			o.SyncInterval = sync
			s := openEmbedded(b, o)
			j := s.Journal()
			defer jettest.ShutWith(b, j.Close)
			rec := jettest.TriedRecord(1, 1, transport.Delivered)
			from := jettest.CPUTime()
			b.ResetTimer()
			for i := range b.N {
				rec.Seq = uint64(i)
				j.Append(rec, nil)
				if i%16384 == 16383 { // the window above
					if err := j.Flush(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := j.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(jettest.CPUTime()-from)/float64(b.N), "cpu-ns/record")
		})
	}
}

func TestAfterTellsWhenWhatWasAppendedIsDurable(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	j := s.Journal()
	now := jettest.NewCountdown(1)
	j.After(now) // nothing is pending
	if !now.Reached() {
		t.Error("not told at once")
	}
	first, after := jettest.NewCountdown(1), jettest.NewCountdown(1)
	j.Append(jettest.TriedRecord(1, 1, transport.Delivered), first)
	j.After(after)
	after.Wait(t)
	if !first.Reached() {
		t.Error("told before a record that was appended earlier")
	}
	before := jettest.StreamState(t, s.js, shard.Attempts()).Msgs
	j.After(jettest.NewCountdown(1))
	if err := j.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if got := jettest.StreamState(t, s.js, shard.Attempts()).Msgs; got != before {
		t.Error("something was written for it")
	}
	b.Stop()
	j.Append(jettest.TriedRecord(2, 1, transport.Delivered), nil)
	jettest.Eventually(t, func() bool { _, fault := j.Pending(); return fault != nil }) // it is being written
	late := jettest.NewCountdown(2)
	j.After(late)
	j.Append(jettest.TriedRecord(3, 1, transport.Delivered), nil)
	j.After(late)
	if late.Left != 2 {
		t.Error("told that something is durable which is not")
	}
	b.Start()
	late.Wait(t)
	jettest.ShutWith(t, j.Close)
	closed := jettest.NewCountdown(1)
	j.After(closed)
	if closed.Reached() {
		t.Error("a closed journal told something")
	}
}

// Everyone who asks among many who append is told, and not too soon.
func TestAfterUnderLoad(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	defer jettest.ShutWith(t, j.Close)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				mine, after := jettest.NewCountdown(1), jettest.NewCountdown(1)
				j.Append(jettest.TriedRecord(uint64(g*1000+i+1), 1, transport.Delivered), mine)
				if i%50 == 0 {
					mine.Wait(t)
				}
				j.After(after)
				if i%10 == 0 {
					after.Wait(t)
					if !mine.Reached() {
						t.Error("told before a record that was appended earlier")
					}
				}
			}
		})
	}
	all.Wait()
}
