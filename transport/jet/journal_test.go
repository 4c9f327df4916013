package jet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func journaled(t testing.TB, s *Store) (all []*transport.Record) {
	t.Helper()
	err := s.ReadJournal(testContext(t), time.Time{}, func(r *transport.Record) error {
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
	s, err := Open(testContext(t), embeddedOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	j := s.Journal()
	const n = 5000
	w := newCountdown(n)
	rec := triedRecord(0, 1, transport.Delivered)
	for i := range n {
		rec.Seq = uint64(i + 1) // the record may be used again at once
		j.Append(rec, w)
	}
	if err := j.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	w.wait(t)
	got := journaled(t, s)
	if len(got) != n {
		t.Fatalf("%d records", len(got))
	}
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d is of %d", i, r.Seq)
		}
	}
	if info := streamState(t, s, StreamAttempts); info.Msgs > n/batchRecords+1 {
		t.Errorf("%d messages for %d records", info.Msgs, n)
	}
	alone := newCountdown(1)
	j.Append(rec, alone) // leaves by itself
	alone.wait(t)
	shutWith(t, j.Close)
	shutWith(t, j.Close)
	j.Append(rec, newCountdown(1)) // after the close: nothing
	closeStore(t, s)
}

func TestJournalSurvivesARestartOfNATS(t *testing.T) {
	b := startBare(t)
	s := b.open()
	j := s.Journal()
	defer shutWith(t, j.Close)
	const n = 20000
	w := newCountdown(n)
	for i := range n {
		if i == n/4 {
			b.stop()
		}
		if i == n/2 {
			b.start()
		}
		j.Append(triedRecord(uint64(i+1), 1, transport.Delivered), w)
		if i%1000 == 0 && (i < n/4 || i > n/2) {
			if err := j.Flush(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.wait(t)
	got := journaled(t, s)
	for i, r := range got {
		if r.Seq != uint64(i+1) {
			t.Fatalf("record %d is of %d: lost, doubled or out of order", i, r.Seq)
		}
	}
	if len(got) != n || w.over != 0 {
		t.Fatalf("%d records, %d waiters told twice", len(got), w.over)
	}
}

func TestJournalThatCannotWriteTellsNobody(t *testing.T) {
	b := startBare(t)
	s := b.open()
	j := s.Journal()
	b.stop()
	w := newCountdown(1)
	j.Append(triedRecord(1, 1, transport.Delivered), w)
	eventually(t, func() bool { n, fault := j.Pending(); return n == 1 && fault != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := j.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closing without NATS: %v", err)
	}
	if w.reached() {
		t.Error("told that a record is durable which is not")
	}
	b.start() // so that the store can close
}

func TestJournalSplitsAFanOutOfManyEndpoints(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	defer shutWith(t, j.Close)
	r := &transport.Record{Kind: transport.FanOut, Seq: 1, Customer: "acme", EventID: "x", At: testTime}
	for i := range 100_000 {
		r.Endpoints = append(r.Endpoints, fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i))
	}
	w := newCountdown(1)
	j.Append(r, w)
	w.wait(t)
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
			defer shutWith(b, j.Close)
			rec := triedRecord(1, 1, transport.Delivered)
			from := cpuTime()
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
			b.ReportMetric(float64(cpuTime()-from)/float64(b.N), "cpu-ns/record")
		})
	}
}

func TestAfterTellsWhenWhatWasAppendedIsDurable(t *testing.T) {
	b := startBare(t)
	s := b.open()
	j := s.Journal()
	now := newCountdown(1)
	j.After(now) // nothing is pending
	if !now.reached() {
		t.Error("not told at once")
	}
	first, after := newCountdown(1), newCountdown(1)
	j.Append(triedRecord(1, 1, transport.Delivered), first)
	j.After(after)
	after.wait(t)
	if !first.reached() {
		t.Error("told before a record that was appended earlier")
	}
	before := streamState(t, s, StreamAttempts).Msgs
	j.After(newCountdown(1))
	if err := j.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := streamState(t, s, StreamAttempts).Msgs; got != before {
		t.Error("something was written for it")
	}
	b.stop()
	j.Append(triedRecord(2, 1, transport.Delivered), nil)
	eventually(t, func() bool { _, fault := j.Pending(); return fault != nil }) // it is being written
	late := newCountdown(2)
	j.After(late)
	j.Append(triedRecord(3, 1, transport.Delivered), nil)
	j.After(late)
	if late.left != 2 {
		t.Error("told that something is durable which is not")
	}
	b.start()
	late.wait(t)
	shutWith(t, j.Close)
	closed := newCountdown(1)
	j.After(closed)
	if closed.reached() {
		t.Error("a closed journal told something")
	}
}

// Everyone who asks among many who append is told, and not too soon.
func TestAfterUnderLoad(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	defer shutWith(t, j.Close)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				mine, after := newCountdown(1), newCountdown(1)
				j.Append(triedRecord(uint64(g*1000+i+1), 1, transport.Delivered), mine)
				if i%50 == 0 {
					mine.wait(t)
				}
				j.After(after)
				if i%10 == 0 {
					after.wait(t)
					if !mine.reached() {
						t.Error("told before a record that was appended earlier")
					}
				}
			}
		})
	}
	all.Wait()
}
