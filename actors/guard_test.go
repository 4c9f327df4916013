package actors

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anthdm/hollywood/actor"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type receive func(any)

func (f receive) Receive(msg any) { f(msg) }

func newSystem(t *testing.T) *System {
	t.Helper()
	s, err := NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestMessagesOfOneSenderKeepTheirOrder(t *testing.T) {
	s := newSystem(t)
	var got []int
	ref := s.Spawn("order", receive(func(m any) { got = append(got, m.(int)) }), nil)
	for i := range 10_000 {
		ref.Send(i)
	}
	if err := ref.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	if len(got) != 10_000 {
		t.Fatalf("handled %d of 10000 messages sent before the stop", len(got))
	}
	for i, v := range got {
		if v != i {
			t.Fatalf("message %d came as number %d", v, i)
		}
	}
}

// Hazard: used-up restarts crash the process, and the message after a panic is
// handled by a half-built actor.
func TestAPanicBreaksTheActorOnceAndNothingElse(t *testing.T) {
	s := newSystem(t)
	var told []*Panic
	var handled atomic.Int32
	ref := s.Spawn("panics", receive(func(m any) {
		handled.Add(1)
		panic(m)
	}), func(p *Panic) { told = append(told, p) })
	for i := range 100 {
		ref.Send(i)
	}
	if err := ref.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	if handled.Load() != 1 || len(told) != 1 {
		t.Fatalf("handled %d messages, told %d panics; want 1 and 1", handled.Load(), len(told))
	}
	if p := told[0]; p.Message != 0 || p.Value != 0 || len(p.Stack) == 0 || p.Error() == "" {
		t.Errorf("told %+v", p)
	}
}

// Hazard: a pill behind a panic revives the mailbox with two goroutines in one actor.
func TestAStopBehindAPanicEnds(t *testing.T) {
	s := newSystem(t)
	var inside atomic.Int32
	for range 200 {
		ref := s.Spawn("revive", receive(func(any) {
			if inside.Add(1) > 1 {
				t.Error("two goroutines in one actor")
			}
			defer inside.Add(-1)
			panic("broken")
		}), func(*Panic) {})
		for range 5 {
			ref.Send("x")
		}
		if err := ref.Stop(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Live(); n != 0 {
		t.Errorf("%d actors live after all were stopped", n)
	}
}

// Hazard: Poison loses messages sent while it drains; ours handles all that
// was sent before Stop and drops all after it, with no half way.
func TestStopHandlesWhatWasSentBefore(t *testing.T) {
	s := newSystem(t)
	for round := range 100 {
		var n atomic.Int32
		ref := s.Spawn("drain", receive(func(any) { n.Add(1) }), nil)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 100 {
					ref.Send(1)
				}
			})
		}
		wg.Wait()
		if err := ref.Stop(within(t)); err != nil {
			t.Fatal(err)
		}
		ref.Send(1)
		if n.Load() != 400 {
			t.Fatalf("round %d: handled %d of 400", round, n.Load())
		}
	}
}

// Hazard: a second waiter of a Poison hangs.
func TestAnyoneMayStopAnActorAgain(t *testing.T) {
	s := newSystem(t)
	ref := s.Spawn("twice", receive(func(any) {}), nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := ref.Stop(within(t)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Hazard: Stop is not at once; a busy actor keeps its stopper waiting.
func TestStopGivesUpAtTheEndOfItsContext(t *testing.T) {
	s := newSystem(t)
	release, began := make(chan struct{}), make(chan struct{})
	ref := s.Spawn("busy", receive(func(any) { close(began); <-release }), nil)
	ref.Send(1)
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ref.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop gave %v, want context.Canceled", err)
	}
	close(release)
}

// Hazard: spawning under the same name before Poison is done leaves no actor.
func TestASpawnRightAfterAStopLives(t *testing.T) {
	s := newSystem(t)
	for range 300 {
		old := s.Spawn("same", receive(func(any) {}), nil)
		go func() { _ = old.Stop(context.Background()) }()
		got := make(chan any, 1)
		fresh := s.Spawn("same", receive(func(m any) { got <- m }), nil)
		fresh.Send("hello")
		select {
		case <-got:
		case <-within(t).Done():
			t.Fatal("the new actor got nothing")
		}
		if err := fresh.Stop(within(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// The hazard itself, kept so that we learn when the library mends it: with a
// default mailbox an actor costs far more than with ours.
func TestTheLibrarysDefaultMailboxIsLarge(t *testing.T) {
	e, err := actor.NewEngine(actor.NewEngineConfig())
	if err != nil {
		t.Fatal(err)
	}
	bytes := func(opts ...actor.OptFunc) int64 {
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.SpawnFunc(func(*actor.Context) {}, "size", opts...)
			}
		})
		return r.AllocedBytesPerOp()
	}
	large, small := bytes(), bytes(actor.WithInboxSize(inboxSize))
	if small*4 > large {
		t.Errorf("an actor costs %d B with our mailbox and %d B with the default: our option no longer matters", small, large)
	}
}

func BenchmarkSend(b *testing.B) {
	s, err := NewSystem()
	if err != nil {
		b.Fatal(err)
	}
	ref := s.Spawn("bench", receive(func(any) {}), nil)
	msg := &struct{}{}
	b.ReportAllocs()
	for b.Loop() {
		ref.Send(msg)
	}
	if err := ref.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}
