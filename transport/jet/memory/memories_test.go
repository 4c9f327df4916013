package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func remembered(endpoint string, opens int) transport.Remembered {
	return transport.Remembered{Endpoint: endpoint, Customer: "acme", Memory: transport.Memory{
		FailingSince: jettest.Time, Reason: "status 500", Opens: opens, OpenUntil: jettest.Time.Add(time.Minute), HeldUntil: jettest.Time, Holds: 2,
		ClosedAt: jettest.Time, RampFrom: jettest.Time, Concurrency: 3}}
}

func loaded(t testing.TB, m *Memories) map[string]transport.Memory {
	t.Helper()
	all, err := m.Load(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMemoriesAreKept(t *testing.T) {
	for _, sync := range []time.Duration{0, 2 * time.Minute} {
		t.Run(fmt.Sprintf("sync=%s", sync), func(t *testing.T) {
			o := embeddedOptions(t)
			o.SyncInterval = sync
			s := openEmbedded(t, o)
			m := s.Memories()
			if got := loaded(t, m); len(got) != 0 {
				t.Errorf("before anything: %v", got)
			}
			want := map[string]transport.Memory{}
			w := jettest.NewCountdown(103)
			for i := range 100 {
				r := remembered(jettest.EndpointOf(i), i)
				want[r.Endpoint] = r.Memory
				m.Remember(r, w)
			}
			odd := remembered("a b.>", 1)
			want[odd.Endpoint] = odd.Memory
			m.Remember(odd, w)
			m.Remember(transport.Remembered{Endpoint: jettest.EndpointOf(1), Customer: "acme"}, w) // nothing is wrong with it any more
			m.Remember(transport.Remembered{Endpoint: jettest.EndpointB, Customer: "acme"}, w)     // nor was there with this one
			w.Wait(t)
			delete(want, jettest.EndpointOf(1))
			m.Forget(jettest.EndpointOf(2))
			delete(want, jettest.EndpointOf(2))
			if err := m.Flush(jettest.Context(t)); err != nil {
				t.Fatal(err)
			}
			if got := loaded(t, m); !maps.Equal(got, want) {
				t.Errorf("%d of %d: %v", len(got), len(want), got)
			}
			jettest.ShutWith(t, m.Close)
			jettest.ShutWith(t, m.Close)
			if sync == 0 && m.out.OneByOne {
				t.Error("the bucket takes no batches")
			}
			m.Remember(remembered(jettest.EndpointB, 1), jettest.NewCountdown(1)) // after the close: nothing
			closeStore(t, s)
			s = openEmbedded(t, o)
			m = s.Memories()
			defer jettest.ShutWith(t, m.Close)
			if got := loaded(t, m); !maps.Equal(got, want) {
				t.Errorf("after a restart %d of %d: %v", len(got), len(want), got)
			}
		})
	}
}

// told notes in which order it is told.
type told struct {
	mu  *sync.Mutex
	all *[]int
	n   int
}

func (w told) Done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.all = append(*w.all, w.n)
}

func TestTheYoungestMemoryWins(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	b := jettest.StartBare(t)
	s := openBare(t, b)
	m := s.Memories()
	b.Stop()
	jettest.Eventually(t, func() bool { return s.conn.Away() != nil })
	var mu sync.Mutex
	var order []int
	const n = 50
	for i := range n {
		m.Remember(remembered(jettest.EndpointA, i+1), told{&mu, &order, i})
	}
	m.Remember(remembered(jettest.EndpointB, 9), nil)
	jettest.Eventually(t, func() bool { memories, fault := m.Pending(); return memories == 3 && fault != nil })
	mu.Lock()
	if len(order) != 0 {
		t.Errorf("told that memories are durable which are not: %v", order)
	}
	mu.Unlock()
	b.Start()
	if err := m.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if got := loaded(t, m); got[jettest.EndpointA].Opens != n || got[jettest.EndpointB].Opens != 9 {
		t.Errorf("%v", got)
	}
	jettest.ShutWith(t, m.Close) // durable is before told
	for i, nth := range order {
		if i != nth {
			t.Fatalf("told in the order %v", order)
		}
	}
	if len(order) != n {
		t.Errorf("%d of %d were told", len(order), n)
	}
	closeStore(t, s)
	b.Stop()
}

func TestMemoriesThatCannotBeStoredTellNobody(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	m := s.Memories()
	b.Stop()
	jettest.Eventually(t, func() bool { return s.conn.Away() != nil })
	w := jettest.NewCountdown(1)
	m.Remember(remembered(jettest.EndpointA, 1), w)
	jettest.Eventually(t, func() bool { _, fault := m.Pending(); return fault != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || w.Reached() {
		t.Errorf("%v", err)
	}
	b.Start() // so that the store can close
}

func TestAMemoryThatCannotBeReadIsPassedOver(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	m := s.Memories()
	defer jettest.ShutWith(t, m.Close)
	m.Remember(remembered(jettest.EndpointA, 1), nil)
	jettest.Publish(t, s.js, subjectMemory+jettest.EndpointB, `{"endpoint":`)
	jettest.Publish(t, s.js, subjectMemory+"other", `{}`)
	if err := m.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if got := loaded(t, m); len(got) != 1 || got[jettest.EndpointA].Opens != 1 {
		t.Errorf("%v", got)
	}
	stored, err := s.conn.LeaderGet(jettest.Context(t), streamMemory, 1, subjectMemory+jettest.EndpointA)
	if err != nil || !strings.Contains(string(stored.Data), `"endpoint":"`+jettest.EndpointA) || !strings.Contains(string(stored.Data), `"reason":"status 500"`) {
		t.Errorf("%v %s", err, stored.Data)
	}
}

// What is stored replaces the revision that is known alone: a message that an
// owner of before sends late is refused where the next one has stored another.
func TestMemoriesAreStoredByRevision(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	m := s.Memories()
	put := func(m *Memories, opens int) {
		w := jettest.NewCountdown(1)
		m.Remember(remembered(jettest.EndpointA, opens), w)
		w.Wait(t)
	}
	put(m, 1)
	put(m, 2)
	next := s.Memories()
	loaded(t, next)
	put(next, 3)
	late := nats.NewMsg(subjectMemory + jet.SubjectWord(jettest.EndpointA))
	expect(late, m.revisions[jettest.EndpointA])
	if _, err := s.js.PublishMsg(jettest.Context(t), late); !jet.WrongSequence(err) {
		t.Errorf("a late message: %v", err)
	}
	if got := loaded(t, next)[jettest.EndpointA].Opens; got != 3 {
		t.Errorf("opened %d times", got)
	}
	put(m, 4) // an owner that was refused looks again: nothing tells it that it is none
	if got := loaded(t, next)[jettest.EndpointA].Opens; got != 4 {
		t.Errorf("opened %d times", got)
	}
	jettest.ShutWith(t, m.Close)
	jettest.ShutWith(t, next.Close)
	closeStore(t, s)
}
