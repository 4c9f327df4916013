package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a Source in memory. Its first message may be missing.
type journal struct {
	name     string
	first    uint64
	messages [][]*transport.Record
	more     chan struct{} // closed when there is more to read
	read     int
	away     error
	shown    int
}

func newJournal(name string) *journal {
	return &journal{name: name, first: 1, more: make(chan struct{})}
}

func (j *journal) write(messages ...[]*transport.Record) {
	j.messages = append(j.messages, messages...)
	more := j.more
	j.more = make(chan struct{})
	close(more)
	synctest.Wait()
}

func (j *journal) FollowJournal(ctx context.Context, after transport.JournalPosition, _ uint64,
	message func(transport.JournalPosition, []*transport.Record) error, end func()) error {
	if after.Seq > 0 && (after.Journal != j.name || after.Seq >= j.first+uint64(len(j.messages))) {
		return fmt.Errorf("test: %w", transport.ErrOtherJournal)
	}
	next := max(after.Seq+1, j.first)
	for {
		if j.away != nil {
			return j.away
		}
		for ; next < j.first+uint64(len(j.messages)); next++ {
			at := transport.JournalPosition{Journal: j.name, Seq: next, At: testTime}
			if err := message(at, j.messages[next-j.first]); err != nil {
				return err
			}
			j.read++
		}
		end()
		select {
		case <-j.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (j *journal) JournalMessage(_ context.Context, seq uint64) ([]*transport.Record, error) {
	j.shown++
	if seq < j.first {
		return nil, transport.ErrNotFound
	}
	return j.messages[seq-j.first], j.away
}

func ended(seq uint64, endpoint string, kind transport.Kind, reason string) *transport.Record {
	r := fanOut(seq)
	r.Kind, r.Endpoint, r.Reason = kind, endpoint, reason
	return r
}

func opened(t *testing.T, o Options) *Index {
	t.Helper()
	x := Open(o)
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return x
}

// story says in a line what became of each delivery, newest first.
func story(t *testing.T, x *Index, f transport.DeliveryFilter) string {
	t.Helper()
	page, err := x.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range page.Deliveries {
		lines = append(lines, fmt.Sprintf("%s %s %s %d×%d", transport.DeliveryID(d.Pair), d.State, d.Reason, d.Attempts, d.Status))
	}
	return strings.Join(lines, "\n")
}

// A day in the life of four events, as its journal tells it.
func TestWhatBecameOfEachDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		x := opened(t, Options{Source: j})
		want := func(f transport.DeliveryFilter, lines ...string) {
			t.Helper()
			if got := story(t, x, f); got != strings.Join(lines, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
			}
		}
		want(transport.DeliveryFilter{})
		j.write([]*transport.Record{fanOut(1, "a", "b")})
		want(transport.DeliveryFilter{}, "1-b waiting  0×0", "1-a waiting  0×0")
		failed := tried(1, "b", transport.Throttled, 503)
		failed.Answer.Reason, failed.NextAt = "status", failed.At.Add(time.Minute)
		j.write([]*transport.Record{tried(1, "a", transport.Delivered, 200), failed})
		want(transport.DeliveryFilter{}, "1-b retrying status 1×503", "1-a delivered  1×200")
		j.write([]*transport.Record{ended(2, "", transport.Skipped, "duplicate"), fanOut(3, "a", "c"),
			ended(3, "c", transport.Skipped, "version_does_not_cover_hardware")})
		again := tried(1, "b", transport.Failed, 500)
		again.Number, again.Answer.Reason = 2, "status"
		j.write([]*transport.Record{again, ended(1, "b", transport.DeadLettered, "retries_exhausted")})
		replayed := fanOut(1, "b")
		replayed.Replay = 1760000000000000000
		j.write([]*transport.Record{replayed})
		want(transport.DeliveryFilter{}, "1-b.1760000000000000000 waiting  0×0", "3-c skipped version_does_not_cover_hardware 0×0",
			"3-a waiting  0×0", "2-_ skipped duplicate 0×0", "1-b dead_lettered retries_exhausted 2×500", "1-a delivered  1×200")
		want(transport.DeliveryFilter{Endpoint: "b"}, "1-b.1760000000000000000 waiting  0×0", "1-b dead_lettered retries_exhausted 2×500")
		want(transport.DeliveryFilter{Outcomes: []transport.Outcome{{Status: 500}}}, "1-b dead_lettered retries_exhausted 2×500")
		want(transport.DeliveryFilter{Outcomes: []transport.Outcome{{Status: 500}, {Class: transport.Delivered}}},
			"1-b dead_lettered retries_exhausted 2×500", "1-a delivered  1×200")
		want(transport.DeliveryFilter{Outcomes: []transport.Outcome{{State: transport.StateSkipped}, {Status: 200}}},
			"3-c skipped version_does_not_cover_hardware 0×0", "2-_ skipped duplicate 0×0", "1-a delivered  1×200")
		want(transport.DeliveryFilter{Outcomes: []transport.Outcome{{Class: transport.Delivered}}}, "1-a delivered  1×200")
		want(transport.DeliveryFilter{Customer: "beta"})

		d, err := x.Delivery(t.Context(), transport.Pair{Seq: 1, Endpoint: "b"})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Records) != 3 || d.Records[0] != failed || d.Records[1] != again || d.Records[2].Reason != "retries_exhausted" || j.shown != 2 {
			t.Errorf("%d records from %d messages: %+v", len(d.Records), j.shown, d.Records)
		}
		if _, err := x.Delivery(t.Context(), transport.Pair{Seq: 1, Endpoint: "c"}); !errors.Is(err, transport.ErrNotFound) {
			t.Error(err)
		}
		j.first, j.messages = 5, j.messages[4:]
		if d, err = x.Delivery(t.Context(), transport.Pair{Seq: 1, Endpoint: "b"}); err != nil || len(d.Records) != 0 || d.Attempts != 2 {
			t.Errorf("with its journal gone: %+v, %v", d, err)
		}
	})
}

// What a filter chooses is counted whatever the page, and only so far.
func TestTotals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		x := opened(t, Options{Source: j})
		var records []*transport.Record
		for seq := range uint64(transport.MaxTotal + 1) {
			records = append(records, fanOut(seq+1, "a"))
		}
		records = append(records, ended(7, "a", transport.Skipped, "expired"), ended(9, "a", transport.Skipped, "expired"))
		for len(records) > 0 {
			n := min(500, len(records))
			j.write(records[:n])
			records = records[n:]
		}
		for _, c := range []struct {
			f    transport.DeliveryFilter
			n    int
			more bool
		}{
			{transport.DeliveryFilter{Limit: 1, Total: true}, transport.MaxTotal, true},
			{transport.DeliveryFilter{Limit: 1, Total: true, Outcomes: []transport.Outcome{{State: transport.StateWaiting}}}, transport.MaxTotal - 1, false},
			{transport.DeliveryFilter{Limit: 1, Total: true, Outcomes: []transport.Outcome{{State: transport.StateSkipped}}}, 2, false},
			{transport.DeliveryFilter{Limit: 1, Outcomes: []transport.Outcome{{State: transport.StateSkipped}}}, 0, false},
		} {
			page, err := x.List(t.Context(), c.f)
			if err != nil || page.Total != c.n || page.More != c.more || len(page.Deliveries) != 1 {
				t.Errorf("%+v: %+v, %v", c.f, page, err)
			}
			c.f.Cursor = page.Next
			if page, err = x.List(t.Context(), c.f); err != nil || page.Total != c.n || page.More != c.more {
				t.Errorf("the second page of %+v: %d, %v, %v", c.f, page.Total, page.More, err)
			}
		}
	})
}

func TestFiltersThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := opened(t, Options{Source: newJournal("ATTEMPTS")})
		for field, f := range map[string]transport.DeliveryFilter{
			"limit": {Limit: 501}, "type": {EventType: "a..b"}, "cursor": {Cursor: "?"}, "status": {Outcomes: []transport.Outcome{{Status: 1000}}},
		} {
			var fe *transport.FieldError
			if _, err := x.List(t.Context(), f); !errors.As(err, &fe) || fe.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		x.mu.Lock()
		x.table.record(1, fanOut(1, "a"))
		x.mu.Unlock()
		if _, err := x.List(canceled, transport.DeliveryFilter{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func sampleMessages(n int) (all [][]*transport.Record) {
	for seq := uint64(1); seq <= uint64(n); seq++ {
		all = append(all, []*transport.Record{fanOut(seq, "a", "b"), tried(seq, "a", transport.Delivered, 200), tried(seq, "b", transport.Failed, 500)})
	}
	return all
}

// A log that was closed goes on where it was; one whose snapshot is of another
// journal, or damaged, or gone, reads the journal from its beginning.
func TestRestart(t *testing.T) {
	for name, c := range map[string]struct {
		between func(t *testing.T, j *journal, file string)
		read    int
	}{
		"as it was":      {func(*testing.T, *journal, string) {}, 10},
		"file gone":      {func(t *testing.T, _ *journal, file string) { remove(t, file) }, 110},
		"file damaged":   {func(t *testing.T, _ *journal, file string) { damage(t, file) }, 110},
		"journal anew":   {func(_ *testing.T, j *journal, _ string) { j.name = "ANEW" }, 110},
		"journal's loss": {func(_ *testing.T, j *journal, _ string) { j.messages = j.messages[:60] }, 70},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, dir := newJournal("ATTEMPTS"), t.TempDir()
				j.write(sampleMessages(100)...)
				x := opened(t, Options{Source: j, Dir: dir})
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
				c.between(t, j, filepath.Join(dir, snapshotFile))
				j.read = 0
				j.write(sampleMessages(110)[len(j.messages) : len(j.messages)+10]...)
				x = opened(t, Options{Source: j, Dir: dir})
				fresh := opened(t, Options{Source: j})
				if j.read != c.read+len(j.messages) {
					t.Errorf("%d messages were read again, want %d", j.read-len(j.messages), c.read)
				}
				f := transport.DeliveryFilter{Limit: 500}
				if got, want := story(t, x, f), story(t, fresh, f); got != want || got == "" {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if x.Stats().At != fresh.Stats().At || x.Stats().Deliveries != 2*len(j.messages) {
					t.Errorf("%+v, want %+v", x.Stats(), fresh.Stats())
				}
			})
		})
	}
}

func remove(t *testing.T, file string) {
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func damage(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Until the journal's end was reached once, an answer would be half the truth.
func TestNotReadyUntilTheEndWasReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		j.away = errors.New("the test's")
		var log bytes.Buffer
		x := opened(t, Options{Source: j, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := x.Ready(); !errors.Is(err, transport.ErrUnavailable) {
			t.Error(err)
		}
		if _, err := x.List(t.Context(), transport.DeliveryFilter{}); !errors.Is(err, transport.ErrUnavailable) {
			t.Error(err)
		}
		if _, err := x.Delivery(t.Context(), transport.Pair{Seq: 1}); !errors.Is(err, transport.ErrUnavailable) {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "no longer follows the journal") {
			t.Error(log.String())
		}
		if x = opened(t, Options{Source: newJournal("ATTEMPTS")}); x.Ready() != nil {
			t.Error(x.Ready())
		}
	})
}

// The log says from when on it has everything: what the journal lost before it
// was read, and what was dropped for age or for memory.
func TestCompleteFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		j.write(sampleMessages(24_000)...)
		whole := opened(t, Options{Source: j})
		if page, err := whole.List(t.Context(), transport.DeliveryFilter{}); err != nil || !page.CompleteFrom.IsZero() || page.Next == "" {
			t.Errorf("%v, %v", page.CompleteFrom, err)
		}
		small := opened(t, Options{Source: j, MaxAttempts: 20_000})
		page, err := small.List(t.Context(), transport.DeliveryFilter{Outcomes: []transport.Outcome{{State: transport.StateDelivered}}, To: small.Stats().CompleteFrom})
		if s := small.Stats(); err != nil || len(page.Deliveries) != 0 || s.CompleteFrom.Before(testTime) || s.Bytes > 20_000*bytesPerAttempt {
			t.Errorf("%d older ones, %+v, %v", len(page.Deliveries), s, err)
		}
		oldest := testTime.Add(16_000 * time.Second)
		aged := opened(t, Options{Source: j, Keep: time.Hour, Now: func() time.Time { return oldest.Add(time.Hour) }})
		from := aged.Stats().CompleteFrom
		if from.After(oldest) || from.Before(oldest.Add(-maxRows*time.Second)) {
			t.Errorf("complete from %s, want up to a chunk before %s", from, oldest)
		}
		page, err = aged.List(t.Context(), transport.DeliveryFilter{To: testTime.Add(10 * time.Second), Limit: 500})
		if err != nil || len(page.Deliveries) != 9 || page.Deliveries[0].State != transport.StateRetrying {
			t.Errorf("what waits is no longer there: %d, %v", len(page.Deliveries), err)
		}
		j.first, j.messages = 101, j.messages[100:]
		if s := opened(t, Options{Source: j}).Stats(); !s.CompleteFrom.Equal(testTime.Add(101*time.Second + time.Millisecond)) {
			t.Errorf("complete from %s", s.CompleteFrom)
		}
	})
}

// Snapshots are left at their time, and none where nothing came.
func TestSnapshotsAreLeftAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, dir, now := newJournal("ATTEMPTS"), t.TempDir(), testTime
		file := filepath.Join(dir, snapshotFile)
		opened(t, Options{Source: j, Dir: dir, Now: func() time.Time { return now }})
		for step, c := range []struct {
			pass    time.Duration
			message bool
			written bool
		}{{0, true, false}, {9 * time.Minute, true, false}, {time.Minute, false, true}, {11 * time.Minute, false, false}, {10 * time.Minute, true, true}} {
			now = now.Add(c.pass)
			_ = os.Remove(file)
			if c.message {
				j.write(sampleMessages(1)[0])
			} else {
				j.write()
			}
			if _, err := os.Stat(file); (err == nil) != c.written {
				t.Errorf("step %d: %v", step, err)
			}
		}
	})
}
