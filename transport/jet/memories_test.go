package jet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func remembered(endpoint string, opens int) transport.Remembered {
	return transport.Remembered{Endpoint: endpoint, Customer: "acme", Memory: transport.Memory{
		FailingSince: testTime, Reason: "status 500", Opens: opens, OpenUntil: testTime.Add(time.Minute), HeldUntil: testTime, Holds: 2,
		ClosedAt: testTime, RampFrom: testTime, Concurrency: 3}}
}

func loaded(t testing.TB, m *Memories) map[string]transport.Memory {
	t.Helper()
	all, err := m.Load(testContext(t))
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
			s, err := Open(testContext(t), o)
			if err != nil {
				t.Fatal(err)
			}
			m := s.Memories()
			if got := loaded(t, m); len(got) != 0 {
				t.Errorf("before anything: %v", got)
			}
			want := map[string]transport.Memory{}
			w := newCountdown(103)
			for i := range 100 {
				r := remembered(endpointOf(i), i)
				want[r.Endpoint] = r.Memory
				m.Remember(r, w)
			}
			odd := remembered("a b.>", 1)
			want[odd.Endpoint] = odd.Memory
			m.Remember(odd, w)
			m.Remember(transport.Remembered{Endpoint: endpointOf(1), Customer: "acme"}, w) // nothing is wrong with it any more
			m.Remember(transport.Remembered{Endpoint: endpointB, Customer: "acme"}, w)     // nor was there with this one
			w.wait(t)
			delete(want, endpointOf(1))
			m.Forget(endpointOf(2))
			delete(want, endpointOf(2))
			if err := m.Flush(testContext(t)); err != nil {
				t.Fatal(err)
			}
			if got := loaded(t, m); !maps.Equal(got, want) {
				t.Errorf("%d of %d: %v", len(got), len(want), got)
			}
			shutWith(t, m.Close)
			shutWith(t, m.Close)
			if sync == 0 && m.out.oneByOne {
				t.Error("the bucket takes no batches")
			}
			m.Remember(remembered(endpointB, 1), newCountdown(1)) // after the close: nothing
			closeStore(t, s)
			s = openEmbedded(t, o)
			m = s.Memories()
			defer shutWith(t, m.Close)
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
	b := startBare(t)
	s := b.open()
	m := s.Memories()
	b.stop()
	eventually(t, func() bool { return s.away() != nil })
	var mu sync.Mutex
	var order []int
	const n = 50
	for i := range n {
		m.Remember(remembered(endpointA, i+1), told{&mu, &order, i})
	}
	m.Remember(remembered(endpointB, 9), nil)
	eventually(t, func() bool { memories, fault := m.Pending(); return memories == 3 && fault != nil })
	mu.Lock()
	if len(order) != 0 {
		t.Errorf("told that memories are durable which are not: %v", order)
	}
	mu.Unlock()
	b.start()
	if err := m.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := loaded(t, m); got[endpointA].Opens != n || got[endpointB].Opens != 9 {
		t.Errorf("%v", got)
	}
	shutWith(t, m.Close) // durable is before told
	for i, nth := range order {
		if i != nth {
			t.Fatalf("told in the order %v", order)
		}
	}
	if len(order) != n {
		t.Errorf("%d of %d were told", len(order), n)
	}
	closeStore(t, s)
	b.stop()
}

func TestMemoriesThatCannotBeStoredTellNobody(t *testing.T) {
	b := startBare(t)
	s := b.open()
	m := s.Memories()
	b.stop()
	eventually(t, func() bool { return s.away() != nil })
	w := newCountdown(1)
	m.Remember(remembered(endpointA, 1), w)
	eventually(t, func() bool { _, fault := m.Pending(); return fault != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || w.reached() {
		t.Errorf("%v", err)
	}
	b.start() // so that the store can close
}

func TestAMemoryThatCannotBeReadIsPassedOver(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	m := s.Memories()
	defer shutWith(t, m.Close)
	m.Remember(remembered(endpointA, 1), nil)
	publishOn(t, s, subjectMemory+endpointB, `{"endpoint":`)
	publishOn(t, s, subjectMemory+"other", `{}`)
	if err := m.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := loaded(t, m); len(got) != 1 || got[endpointA].Opens != 1 {
		t.Errorf("%v", got)
	}
	stored, err := s.leaderGet(testContext(t), streamMemory, 1, subjectMemory+endpointA)
	if err != nil || !strings.Contains(string(stored.Data), `"endpoint":"`+endpointA) || !strings.Contains(string(stored.Data), `"reason":"status 500"`) {
		t.Errorf("%v %s", err, stored.Data)
	}
}
