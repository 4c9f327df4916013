package lease

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

// memoryRecords are the streams of a shard in memory, for keepers of one process.
type memoryRecords struct {
	mu      *sync.Mutex
	stream  *memoryStream
	away    bool
	seqs    [Streams]uint64
	keeper  *Keeper
	adopted int
}

type memoryStream struct {
	last    uint64
	records [Streams]transport.OwnerRecord
}

var errAway = errors.New("NATS is away")

func (r *memoryRecords) Look(context.Context) (Look, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return Look{}, errAway
	}
	return Look{Leader: "one", Last: r.stream.last, Records: r.stream.records}, nil
}

func (r *memoryRecords) Write(_ context.Context, e *Effect) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.away:
		return 0, errAway
	case r.stream.records[e.Stream].Seq != e.After || e.Silent && r.stream.last != e.Last:
		return 0, ErrRefused
	}
	r.stream.last++
	r.stream.records[e.Stream] = transport.OwnerRecord{Owner: e.Owner, Seq: r.stream.last}
	r.seqs[e.Stream] = r.stream.last
	return r.stream.last, nil
}

func (r *memoryRecords) Beat(context.Context) error {
	sent := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.away:
		return errAway
	case r.stream.records[Journal].Seq != r.seqs[Journal]:
		r.keeper.Refused()
		return ErrRefused
	}
	r.stream.last++
	r.keeper.Proved(sent)
	return nil
}

func (r *memoryRecords) Adopt(s Stream, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seqs[s] = seq
	r.adopted++
}

func (r *memoryRecords) goAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// keep starts a keeper on a stream; what it is told to do is counted.
func keep(stream *memoryStream, mu *sync.Mutex, boot string) (*Keeper, *memoryRecords, *turns) {
	r := &memoryRecords{mu: mu, stream: stream}
	t := &turns{}
	k := NewKeeper(KeeperOptions{Options: Options{Node: boot, Boot: boot}, Records: r, Logger: slog.New(slog.DiscardHandler),
		Halt: func() { t.add(&t.halts) }, GoOn: func() { t.add(&t.goOns) }, Cut: func() { t.add(&t.cuts) }})
	r.keeper = k
	k.Start()
	return k, r, t
}

type turns struct {
	mu                 sync.Mutex
	halts, goOns, cuts int
}

func (t *turns) add(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *turns) get() [3]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return [3]int{t.halts, t.goOns, t.cuts}
}

// One owns and beats, the other stands by; NATS away for the first: it halts at
// 2 s and cuts at 3; the other takes over, and the first learns it.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		stream := &memoryStream{}
		a, ra, ta := keep(stream, &mu, "a")
		defer a.Close()
		<-a.Owned()
		b, _, tb := keep(stream, &mu, "b")
		defer b.Close()
		time.Sleep(time.Minute)
		if !a.Acts() || b.Acts() || ta.get() != [3]int{} {
			t.Fatalf("after a minute: a acts %v, b acts %v, a's turns %v", a.Acts(), b.Acts(), ta.get())
		}
		if got := b.Standing(); got.State != StandingBy || got.Owner.Node != "a" {
			t.Fatalf("b stands by for %+v", got)
		}
		if age := a.ProofAge(); age > 1200*time.Millisecond {
			t.Fatalf("an idle owner's proof is %v old", age)
		}
		ra.goAway(true)
		<-b.Owned()
		if a.Acts() || !b.Acts() {
			t.Fatalf("taken over: a acts %v, b acts %v", a.Acts(), b.Acts())
		}
		time.Sleep(10 * time.Second)
		if ta.get() != [3]int{1, 0, 1} || tb.get() != [3]int{} {
			t.Fatalf("halts, goings on and cuts: a %v, b %v", ta.get(), tb.get())
		}
		ra.goAway(false)
		<-a.Lost()
		if got := a.Standing(); got.State != Gone || got.Owner.Node != "b" {
			t.Fatalf("a lost it to %+v", got)
		}
	})
}

// A short absence of NATS is only a pause, and what is released is taken at once.
func TestPauseAndRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		stream := &memoryStream{}
		a, ra, ta := keep(stream, &mu, "a")
		<-a.Owned()
		time.Sleep(10 * time.Second)
		ra.goAway(true)
		time.Sleep(20 * time.Second)
		if a.Acts() || !a.Standing().Halted {
			t.Fatal("it acts without a proof")
		}
		ra.goAway(false)
		time.Sleep(time.Second)
		if !a.Acts() || ta.get() != [3]int{1, 1, 1} || a.Standing().Halts != 1 {
			t.Fatalf("NATS is back: acts %v, turns %v", a.Acts(), ta.get())
		}
		b, _, _ := keep(stream, &mu, "b")
		defer b.Close()
		time.Sleep(5 * time.Second)
		began := time.Now()
		if err := a.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-b.Owned()
		if took := time.Since(began); took > 2*LookEvery {
			t.Fatalf("what was released was taken after %v", took)
		}
		if err := a.Leave(t.Context()); err != nil || a.Acts() {
			t.Fatalf("left again: %v, acts %v", err, a.Acts())
		}
	})
}

// A record that was written anew without an answer lies elsewhere than known.
func TestRecordLiesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		stream := &memoryStream{}
		a, ra, _ := keep(stream, &mu, "a")
		defer a.Close()
		<-a.Owned()
		mu.Lock()
		stream.last++
		stream.records[Journal].Seq = stream.last
		mu.Unlock()
		time.Sleep(5 * time.Second)
		if !a.Acts() || ra.adopted != 1 {
			t.Fatalf("acts %v, adopted %d times", a.Acts(), ra.adopted)
		}
	})
}

// Keepers that end before they own anything end at once.
func TestLeaveBeforeOwning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		stream := &memoryStream{last: 4, records: [Streams]transport.OwnerRecord{{Owner: transport.Owner{Boot: "z"}, Seq: 3}}}
		a, _, _ := keep(stream, &mu, "a")
		if err := a.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		b, rb, _ := keep(stream, &mu, "b")
		rb.goAway(true)
		time.Sleep(time.Second)
		b.Close()
		b.Close()
	})
}
