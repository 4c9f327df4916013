package journal

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// followed is what FollowJournal told so far.
type followed struct {
	mu      sync.Mutex
	seqs    []uint64
	records []*transport.Record
	at      transport.JournalPosition
	ends    int
	err     error
	refuse  error
	cancel  context.CancelFunc
	done    chan struct{}
}

func follow(t testing.TB, s *Store, after transport.JournalPosition) *followed {
	t.Helper()
	return followTail(t, s, after, 1<<30)
}

func followTail(t testing.TB, s *Store, after transport.JournalPosition, tail uint64) *followed {
	t.Helper()
	f := &followed{done: make(chan struct{})}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(f.done)
		f.err = s.FollowJournal(ctx, after, tail, func(at transport.JournalPosition, records []*transport.Record) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.at, f.seqs, f.records = at, append(f.seqs, at.Seq), append(f.records, kept(records)...)
			return f.refuse
		}, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.ends++
		})
	}()
	t.Cleanup(func() { f.stop(t) })
	return f
}

// kept copies records that are used again.
func kept(records []*transport.Record) (all []*transport.Record) {
	for _, r := range records {
		c := *r
		c.Endpoints = slices.Clone(r.Endpoints)
		all = append(all, &c)
	}
	return all
}

func (f *followed) stop(t testing.TB) {
	t.Helper()
	f.cancel()
	jettest.Receive(t, f.done, "the follower's end")
}

// has waits until that many records came and the end was reached after them.
func (f *followed) has(t testing.TB, records int) {
	t.Helper()
	ends := -1
	jettest.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.records) < records {
			return false
		}
		if ends < 0 {
			ends = f.ends
		}
		return len(f.records) == records && f.ends > ends
	})
}

func TestFollowJournal(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	all := follow(t, s, transport.JournalPosition{})
	all.has(t, 0)
	var written []*transport.Record
	for seq := uint64(1); seq <= 5; seq++ {
		records := []*transport.Record{jettest.FanOutOf(seq, "id", jettest.EndpointA, jettest.EndpointB), jettest.TriedRecord(seq, 1, transport.Delivered)}
		journalAll(t, s, records...)
		written = append(written, records...)
	}
	all.has(t, len(written))
	if !reflect.DeepEqual(all.seqs, []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("messages %d", all.seqs)
	}
	for i, r := range all.records {
		if r.Seq != written[i].Seq || r.Kind != written[i].Kind || !r.At.Equal(written[i].At) {
			t.Errorf("record %d: %+v, want %+v", i, r, written[i])
		}
	}
	rest := follow(t, s, transport.JournalPosition{Journal: all.at.Journal, Seq: 3, At: messageTime(t, s, 3)})
	rest.has(t, 4)
	if rest.at != all.at {
		t.Errorf("at %+v, want %+v", rest.at, all.at)
	}
	all.stop(t)
	if !errors.Is(all.err, context.Canceled) {
		t.Error(all.err)
	}
}

func messageTime(t testing.TB, s *Store, seq uint64) time.Time {
	t.Helper()
	m, err := s.conn.Message(jettest.Context(t), shard.Attempts(), seq)
	if err != nil {
		t.Fatal(err)
	}
	return m.Time
}

// Of a long journal no more is read than its reader can hold.
func TestFollowBeginsWithTheTail(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for seq := uint64(1); seq <= 20; seq++ {
		journalAll(t, s, jettest.TriedRecord(seq, 1, transport.Delivered))
	}
	stream, err := s.js.Stream(jettest.Context(t), shard.Attempts())
	if err != nil {
		t.Fatal(err)
	}
	size := stream.CachedInfo().State.Bytes
	for tail, first := range map[uint64]uint64{size: 1, size/2 + 20: 11, 0: 21} {
		f := followTail(t, s, transport.JournalPosition{}, tail)
		f.has(t, int(21-first))
		if first <= 20 && f.seqs[0] != first {
			t.Errorf("the last %d of %d bytes begin at %d, want %d", tail, size, f.seqs[0], first)
		}
	}
	purgeBelow(t, stream, 16)
	follow(t, s, transport.JournalPosition{}).has(t, 5)
}

// A position that the journal cannot go on from must be forgotten.
func TestFollowAnotherJournal(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for seq := uint64(1); seq <= 4; seq++ {
		journalAll(t, s, jettest.TriedRecord(seq, 1, transport.Delivered))
	}
	f := follow(t, s, transport.JournalPosition{})
	f.has(t, 4)
	good := transport.JournalPosition{Journal: f.at.Journal, Seq: 2, At: messageTime(t, s, 2)}
	stream, err := s.js.Stream(jettest.Context(t), shard.Attempts())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*transport.JournalPosition){
		"made anew":       func(p *transport.JournalPosition) { p.Journal += "x" },
		"its end lost":    func(p *transport.JournalPosition) { p.Seq = 9 },
		"another message": func(p *transport.JournalPosition) { p.At = p.At.Add(1) },
	} {
		p := good
		change(&p)
		wantOther(t, s, name, p)
	}
	follow(t, s, good).has(t, 2)
	purgeBelow(t, stream, 3)
	follow(t, s, good).has(t, 2)
	purgeBelow(t, stream, 4)
	wantOther(t, s, "a gap in between", good)
	purgeBelow(t, stream, 5)
	wantOther(t, s, "all after it lost", good)
	follow(t, s, f.at).has(t, 0)
}

func purgeBelow(t testing.TB, stream jetstream.Stream, seq uint64) {
	t.Helper()
	if err := stream.Purge(jettest.Context(t), jetstream.WithPurgeSequence(seq)); err != nil {
		t.Fatal(err)
	}
}

func wantOther(t testing.TB, s *Store, name string, p transport.JournalPosition) {
	t.Helper()
	f := follow(t, s, p)
	jettest.Receive(t, f.done, "the refusal of "+name)
	if !errors.Is(f.err, transport.ErrOtherJournal) || len(f.records) != 0 {
		t.Errorf("%s: %v, %d records", name, f.err, len(f.records))
	}
}

func TestFollowGoesOnAfterNATSWasAway(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered))
	f := follow(t, s, transport.JournalPosition{})
	f.has(t, 1)
	b.Stop()
	jettest.Eventually(t, func() bool { return s.conn.Ready() != nil })
	b.Start()
	jettest.Eventually(t, func() bool { return s.conn.Ready() == nil })
	journalAll(t, s, jettest.TriedRecord(2, 1, transport.Delivered))
	f.has(t, 2)
}

func TestFollowEndsWithItsReadersError(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	f := follow(t, s, transport.JournalPosition{})
	f.has(t, 0)
	f.mu.Lock()
	f.refuse = errors.New("enough")
	f.mu.Unlock()
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered))
	jettest.Receive(t, f.done, "the end")
	if !errors.Is(f.err, f.refuse) {
		t.Error(f.err)
	}
}

// What no version of ours wrote is passed over.
func TestFollowPassesOverWhatItCannotRead(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered))
	jettest.Publish(t, s.js, s.subject(), "\xffnot a journal message")
	journalAll(t, s, jettest.TriedRecord(3, 1, transport.Delivered))
	f := follow(t, s, transport.JournalPosition{})
	f.has(t, 2)
	if !reflect.DeepEqual(f.seqs, []uint64{1, 2, 3}) {
		t.Errorf("messages %d", f.seqs)
	}
}

func TestJournalMessage(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	journalAll(t, s, jettest.FanOutOf(1, "given", jettest.EndpointA), jettest.TriedRecord(1, 1, transport.Delivered))
	records, err := s.JournalMessage(jettest.Context(t), 1)
	if err != nil || len(records) != 2 || records[1].Number != 1 {
		t.Errorf("%+v, %v", records, err)
	}
	for _, seq := range []uint64{0, 9} {
		if _, err := s.JournalMessage(jettest.Context(t), seq); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("message %d: %v", seq, err)
		}
	}
}

// A fan-out of more endpoints than one record holds is told once, whole, also
// where its parts lie in two messages.
func TestFollowJoinsThePartsOfAFanOut(t *testing.T) {
	var got []*transport.Record
	f := newFollower(nil, transport.JournalPosition{}, func(_ transport.JournalPosition, records []*transport.Record) error {
		got = append(got, kept(records)...)
		return nil
	})
	wide := jettest.FanOutOf(7, "id")
	for i := range fanOutPart + 3 {
		wide.Endpoints = append(wide.Endpoints, fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012d", i))
	}
	first := appendPart([]byte{journalVersion}, wide, wide.Endpoints[:fanOutPart], 3)
	second := appendPart([]byte{journalVersion}, wide, wide.Endpoints[fanOutPart:], 0)
	second = append(second, journalMessage(jettest.TriedRecord(7, 1, transport.Delivered))[1:]...)
	for _, data := range [][]byte{journalMessage(jettest.FanOutOf(6, "id", jettest.EndpointB)), first, second} {
		if err := f.take(&jetstream.RawStreamMsg{Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 || !slices.Equal(got[1].Endpoints, wide.Endpoints) || got[2].Kind != transport.Tried {
		t.Errorf("%d records, the wide one with %d endpoints", len(got), len(got[1].Endpoints))
	}
}

// BenchmarkFollowerTakes is what a follower does with a message that was read,
// of 128 deliveries at fan-out 1: ns a delivery, its two records decoded.
func BenchmarkFollowerTakes(b *testing.B) {
	const deliveries = 128
	var records []*transport.Record
	for seq := uint64(1); seq <= deliveries; seq++ {
		records = append(records, jettest.FanOutOf(seq, "5fd0aad3d64a99000414d61e", jettest.EndpointA), jettest.TriedRecord(seq, 1, transport.Delivered))
	}
	m := &jetstream.RawStreamMsg{Data: journalMessage(records...)}
	f := newFollower(nil, transport.JournalPosition{}, func(transport.JournalPosition, []*transport.Record) error { return nil })
	b.ReportAllocs()
	for b.Loop() {
		if err := f.take(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/deliveries, "ns/delivery")
}
