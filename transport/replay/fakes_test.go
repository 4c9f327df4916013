package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what replays stand on, in memory: it outlives a node.
type world struct {
	mu      sync.Mutex
	t       *testing.T
	records map[string][]byte
	log     []transport.LoggedDelivery
	letters []transport.DeadLetter
	events  map[uint64]*transport.Event
	eps     map[string]*transport.Endpoint
	parked  []parkedUnit
	away    bool // records cannot be kept
	lost    bool // what is parked is never told to be durable
	routed  uint64
	node    *Replays
}

type parkedUnit struct {
	transport.Pair
	at time.Time
}

// inWorld runs a test with events 1 to n of acme, all delivered to a and b.
func inWorld(t *testing.T, n int, do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, records: map[string][]byte{}, events: map[uint64]*transport.Event{}, routed: uint64(n),
			eps: map[string]*transport.Endpoint{}}
		for _, id := range []string{"a", "b"} {
			w.eps[id] = &transport.Endpoint{ID: id, Customer: "acme", Enabled: true, Events: []string{">"}, Revision: 1}
		}
		for i := range n {
			seq := uint64(i + 1)
			w.events[seq] = &transport.Event{Seq: seq, ID: fmt.Sprint(seq), Customer: "acme", Type: "a.b",
				Stored: time.Now().Add(time.Duration(i-n) * time.Second), Data: []byte(`{"n":1}`)}
			for _, id := range []string{"a", "b"} {
				w.log = append(w.log, transport.LoggedDelivery{Pair: transport.Pair{Seq: seq, Endpoint: id}, Customer: "acme",
					State: transport.StateDelivered, Since: w.events[seq].Stored})
			}
		}
		w.open()
		defer func() { w.node.Close() }()
		do(w)
	})
}

func (w *world) open() {
	w.t.Helper()
	node, err := Open(context.Background(), Options{Records: w, Deliveries: w, Events: w, Parker: parker{w}, Registry: w,
		Routed: func() uint64 { w.mu.Lock(); defer w.mu.Unlock(); return w.routed }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.node = node
}

func (w *world) Keep(_ context.Context, key string, data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return fmt.Errorf("no NATS: %w", transport.ErrUnavailable)
	}
	w.records[key] = slices.Clone(data)
	return nil
}

func (w *world) Kept(_ context.Context, key string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, there := w.records[key]
	if !there {
		return nil, transport.ErrNotFound
	}
	return data, nil
}

func (w *world) Keys(context.Context) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.records)), nil
}

func (w *world) Drop(_ context.Context, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.records, key)
	return nil
}

// List gives pages of two, newest first.
func (w *world) List(_ context.Context, f transport.DeliveryFilter) (*transport.DeliveryPage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var fit []transport.LoggedDelivery
	for _, d := range slices.Backward(w.log) {
		if (f.Endpoint == "" || f.Endpoint == d.Endpoint) && (len(f.Outcomes) == 0 || f.Outcomes[0].State == d.State) && (f.Customer == "" || f.Customer == d.Customer) {
			fit = append(fit, d)
		}
	}
	at := 0
	if f.Cursor != "" {
		if _, err := fmt.Sscan(f.Cursor, &at); err != nil {
			return nil, err
		}
	}
	page := &transport.DeliveryPage{Deliveries: fit[at:min(at+2, len(fit))]}
	if at+2 < len(fit) {
		page.Next = fmt.Sprint(at + 2)
	}
	return page, nil
}

func (w *world) State(p transport.Pair) (transport.DeliveryState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.log {
		if w.log[i].Pair == p {
			return w.log[i].State, nil
		}
	}
	return 0, transport.ErrNotFound
}

func (w *world) Event(_ context.Context, seq uint64) (*transport.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ev, there := w.events[seq]; there {
		return ev, nil
	}
	return nil, transport.ErrNotFound
}

func (w *world) EventsOf(_ context.Context, customer string, from, to uint64, each func(*transport.Event) bool) error {
	w.mu.Lock()
	seqs := slices.Sorted(maps.Keys(w.events))
	w.mu.Unlock()
	for _, seq := range seqs {
		if ev := w.events[seq]; seq >= from && seq <= to && ev.Customer == customer && !each(ev) {
			break
		}
	}
	return nil
}

func (w *world) EventAt(_ context.Context, t time.Time) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, seq := range slices.Sorted(maps.Keys(w.events)) {
		if !w.events[seq].Stored.Before(t) {
			return seq, nil
		}
	}
	return uint64(len(w.events)) + 1, nil
}

func (w *world) DeadLetter(_ context.Context, id uint64) (*transport.DeadLetter, error) {
	for i := range w.letters {
		if w.letters[i].ID == id {
			return &w.letters[i], nil
		}
	}
	return nil, transport.ErrNotFound
}

func (w *world) DeadLetters(_ context.Context, f transport.LetterFilter) (page []transport.DeadLetter, next uint64, err error) {
	for _, d := range slices.Backward(w.letters) {
		if f.Chooses(&d) && (f.Before == 0 || d.ID < f.Before) {
			return []transport.DeadLetter{d}, d.ID, nil // one a page
		}
	}
	return nil, 0, nil
}

func (w *world) Park(customer, endpoint string, e transport.Entry, waiter transport.Waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if customer != "acme" || e.Hop != 1 || !e.Due.Equal(time.Now()) {
		w.t.Errorf("parked for %s: %+v", customer, e)
	}
	w.parked = append(w.parked, parkedUnit{transport.Pair{Seq: e.Event.Seq, Endpoint: endpoint, Replay: e.Replay}, time.Now()})
	if !w.lost {
		waiter.Done()
	}
}

// List of a Parker has another shape than that of the log: parker is the world's.
type parker struct{ *world }

func (p parker) List(_ context.Context, endpoint string) (list []transport.ParkedPair, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.parked {
		if u.Endpoint == endpoint {
			list = append(list, transport.ParkedPair{Place: transport.Place{Replay: u.Replay, Seq: u.Seq}})
		}
	}
	return list, nil
}

func (w *world) Endpoint(id string) (*transport.Endpoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ep, there := w.eps[id]
	return ep, there
}

func (w *world) WaitApplied(context.Context, uint64) error { return nil }

// pass lets time go by, and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// begin starts a replay of deliveries.
func (w *world) begin(wish transport.ReplayWish) *transport.ReplayJob {
	w.t.Helper()
	if wish.Source == "" {
		wish.Source = transport.ReplayDeliveries
	}
	job, err := w.node.Start(context.Background(), wish)
	if err != nil {
		w.t.Fatal(err)
	}
	return job
}

// is checks a job's state and counts: total, done, replayed, gone, skipped.
func (w *world) is(id, state string, counts ...uint64) *transport.ReplayJob {
	w.t.Helper()
	j, err := w.node.Job(id)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := []uint64{j.Total, j.Done, j.Replayed, j.Gone, j.Skipped}; j.State != state || !slices.Equal(got, counts) {
		w.t.Errorf("%s is %s %v (%s), want %s %v", id, j.State, got, j.Detail, state, counts)
	}
	return j
}

// wantOnce checks that each pair was parked once, oldest first, with one number.
func (w *world) wantOnce(n int, number uint64) {
	w.t.Helper()
	seen := map[transport.Pair]bool{}
	last := uint64(0)
	for _, u := range w.parked {
		if seen[u.Pair] || u.Replay != number || u.Seq < last {
			w.t.Errorf("parked %+v after sequence %d", u, last)
		}
		seen[u.Pair], last = true, u.Seq
	}
	if len(seen) != n {
		w.t.Errorf("%d pairs parked, want %d", len(seen), n)
	}
}
