package gate

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func put(q *Queue, customer string, size int) *Item {
	it := &Item{customer: customer, size: size}
	q.Add(it)
	return it
}

func TestQueuesTakeTurnsBySize(t *testing.T) {
	q := NewQueue(wide)
	for range 10 {
		put(q, "huge", 1<<20)
	}
	for range 5000 {
		put(q, "many", 100)
	}
	small := put(q, "small", 1000)
	var bytes [2]int
	at := -1
	n := 0
	q.Take(time.Time{}, 2000, 16<<20, func(it *Item) {
		switch {
		case it == small:
			at = n
		case it.customer == "huge":
			bytes[0] += it.size + overhead
		default:
			bytes[1] += it.size + overhead
		}
		n++
	})
	if at < 0 || at > 200 {
		t.Errorf("the small one comes at %d", at)
	}
	if bytes[0] > bytes[1]+1<<20+turn || bytes[1] > bytes[0]+1<<20+turn {
		t.Errorf("huge had %d, many %d", bytes[0], bytes[1])
	}
}

func TestOneThatIsLargerThanABatchIsGiven(t *testing.T) {
	q := NewQueue(wide)
	put(q, "a", 20<<20)
	put(q, "a", 1)
	n := 0
	q.Take(time.Time{}, 10, 16<<20, func(*Item) { n++ })
	if n != 1 {
		t.Errorf("%d given", n)
	}
}

// TestAFullGateHasRoomForThoseWhoHaveLittle: who has much waits for the others.
func TestAFullGateHasRoomForThoseWhoHaveLittle(t *testing.T) {
	q := NewQueue(Bounds{Messages: 100, Bytes: 1 << 20, AllMessages: 300, AllBytes: 1 << 20})
	for i := range 3 {
		for range 100 {
			put(q, fmt.Sprint(i), 10)
		}
	}
	for i := range 3 {
		if q.Room(fmt.Sprint(i), 10) {
			t.Errorf("%d finds room", i)
		}
	}
	for range 10 {
		if !q.Room("small", 10) {
			t.Fatal("who has little finds no room")
		}
		put(q, "small", 10)
	}
}

// TestQueueKeepsOrderAndCount against a list for each customer.
func TestQueueKeepsOrderAndCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Bounds{Messages: 20, Bytes: 200_000, AllMessages: 40, AllBytes: 400_000}
		q := NewQueue(b)
		waiting := map[string][]*Item{}
		var out []*Item
		held, bytes := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				customer := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "customer")
				size := rapid.SampledFrom([]int{1, 1000, 100_000}).Draw(t, "size")
				if !q.Room(customer, size) {
					return
				}
				waiting[customer] = append(waiting[customer], put(q, customer, size))
				held, bytes = held+1, bytes+size
			},
			"take": func(t *rapid.T) {
				n, most := rapid.IntRange(1, 10).Draw(t, "messages"), rapid.SampledFrom([]int{1, 100_000, 1 << 20}).Draw(t, "bytes")
				given, sum, left := 0, 0, 0
				for _, w := range waiting {
					left += len(w)
				}
				q.Take(time.Time{}, n, most, func(it *Item) {
					if waiting[it.customer][0] != it {
						t.Fatalf("%s comes out of order", it.customer)
					}
					waiting[it.customer] = waiting[it.customer][1:]
					out = append(out, it)
					given, sum = given+1, sum+it.size
				})
				if given > n || given > 1 && sum > most || given == 0 && left > 0 {
					t.Fatalf("%d given of %d, %d bytes of %d, %d waited", given, n, sum, most, left)
				}
			},
			"done": func(t *rapid.T) {
				for _, it := range out {
					q.Done(it)
					held, bytes = held-1, bytes-it.size
				}
				out = nil
			},
			"": func(t *rapid.T) {
				queued := 0
				for _, w := range waiting {
					queued += len(w)
				}
				if q.Held() != held || q.bytes != bytes || q.Queued() != queued {
					t.Fatalf("holds %d of %d bytes, %d queued; want %d, %d, %d", q.Held(), q.bytes, q.Queued(), held, bytes, queued)
				}
				if held > 2*b.AllMessages || bytes > 2*b.AllBytes+100_000 {
					t.Fatalf("%d held, %d bytes", held, bytes)
				}
			},
		})
	})
}

// TestWhoIsOverAQuotaWaits: not refused, and nobody with it; each item is
// counted once by each quota, however often it is looked at.
func TestWhoIsOverAQuotaWaits(t *testing.T) {
	now := time.Unix(1000, 0)
	counted := map[string]int{}
	free := now // when the second quota has room for acme
	events := func(_ time.Time, customer string, _ int) time.Duration { counted[customer]++; return 0 }
	bytes := func(at time.Time, customer string, size int) time.Duration {
		if customer == "acme" && at.Before(free) {
			return free.Sub(at)
		}
		free = at.Add(time.Second)
		return 0
	}
	q := NewQueue(wide, events, bytes)
	for range 3 {
		put(q, "acme", 10)
	}
	put(q, "zeta", 10)
	take := func() (got string) {
		q.Take(now, 100, 1<<20, func(it *Item) { got += it.customer + " " })
		return got
	}
	if got := take(); got != "acme zeta " || !q.Over("acme") || q.Ready() || !q.Next().Equal(now.Add(time.Second)) {
		t.Errorf("%s, next at %s", got, q.Next())
	}
	now = now.Add(time.Second - 1)
	if got := take(); got != "" {
		t.Error(got, "too early")
	}
	for range 2 {
		now = now.Add(time.Second)
		if got := take(); got != "acme " {
			t.Errorf("%q when its time has come", got)
		}
	}
	if counted["acme"] != 3 || counted["zeta"] != 1 || q.Over("acme") || !q.Next().IsZero() {
		t.Errorf("counted %v", counted)
	}
}
