package deferred

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Parker puts entries into DEFERRED, where JetStream keeps the time, and brings
// them back. It gathers those of one endpoint for a moment, has its Cutter make
// segments of them, and writes these. Fresh events that wait long are gathered
// for up to gatherMost.
type Parker struct {
	store  *Store
	out    *jet.Outbox
	cutter Cutter

	ctx     context.Context // ends at Close
	cancel  context.CancelFunc
	wake    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	open    map[string]*bucket // by endpoint
	held    int                // items in open
	next    time.Time          // when run looks at them again
	gather  time.Duration      // gatherMost; the tests' own
	ids     jet.PublishIDs
	hurried bool
	closed  bool

	recalls  recalls
	clearing clearing
	lists    chan struct{} // a place for each List under way
}

// item is an entry, encoded when it was parked: the caller may change its own. Of
// one that refers to the log, stored is when its event was (see place).
type item struct {
	transport.Parking
	stored  int64
	encoded []byte
	waiters []transport.Waiter
	object  string
	data    []byte
}

// Cutter cuts entries of one endpoint into segments and names them; each entry
// is in one of them, or covered by one. It is asked by one goroutine at a time.
type Cutter interface {
	Cut(entries []transport.Parking) []transport.Cut
}

// Parker starts a parker. A shard has one at a time.
func (s *Store) Parker(c Cutter) *Parker {
	p := &Parker{store: s, out: s.conn.NewOutbox("parking"), cutter: c, open: map[string]*bucket{}, gather: gatherMost,
		ids:  jet.PublishIDs{Prefix: s.conn.PublishID("park")},
		wake: make(chan struct{}, 1), lists: make(chan struct{}, mostLists)}
	p.out.Guard = s.opts.Fence.OfDeferred()
	p.out.Told = s.witness.Tell
	p.ctx, p.cancel = context.WithCancel(context.Background())
	s.parker.Store(p)
	p.recalls.init()
	p.clearing.init()
	for _, run := range []func(){p.run, p.recallAsked, p.clearAsked, p.keepClock} {
		p.running.Go(run)
	}
	return p
}

// Park takes e and tells w (nil is fine) when it is durable. It does not wait
// for NATS. e.Event is read at once and not kept. After Close it does nothing.
func (p *Parker) Park(customer, endpoint string, e transport.Entry, w transport.Waiter) {
	if isFirstOfReplay(&e) { // of those that went before, something refers to the event already
		p.store.referring.RLock()
		defer p.store.referring.RUnlock()
	}
	it := p.store.encodeItem(&e)
	if w != nil {
		it.waiters = []transport.Waiter{w}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.collect(customer, endpoint, it)
}

func isFirstOfReplay(e *transport.Entry) bool { return e.Replay != 0 && e.Hop == 1 }

// encodeItem writes an entry: a reference to its event, where the log keeps that.
func (s *Store) encodeItem(e *transport.Entry) item {
	it := item{Parking: transport.Parking{Place: transport.Place{Replay: e.Replay, Seq: e.Event.Seq}, Hop: e.Hop,
		Wake: e.Wake(), Ready: e.Due.IsZero(), Size: e.Event.Size()}}
	if !it.Ready && len(e.Tries) > 0 {
		it.Late = transport.LateBy(it.Wake.Sub(s.now()))
	}
	if e.Event.Apart || isFirstOfReplay(e) && e.Event.Seq < s.purgeable {
		s.encodeWhole(&it, e)
		return it
	}
	it.Refers, it.stored, it.encoded = true, nanos(e.Event.Stored), encodeReference(e)
	it.Bytes = max(it.Size, len(it.encoded))
	return it
}

// encodeWhole writes an entry with its event; data that would not fit into a
// message goes to the object store. Its name is made here, once, so that every try
// to store the entry puts the same object; parked again, the entry refers to it still.
func (s *Store) encodeWhole(it *item, e *transport.Entry) {
	room := len(e.Event.Data) + 512 + 64*len(e.Tries)
	if e.Event.Object == "" && room > s.inlineLimit() {
		ev := *e.Event
		it.data, it.object = ev.Data, jet.PayloadName("parked")
		ev.Object = it.object
		e = &transport.Entry{Event: &ev, Replay: e.Replay, Tries: e.Tries, Hop: e.Hop, Due: e.Due}
		room = 512 + 64*len(e.Tries)
	}
	it.encoded = appendEntry(make([]byte, 0, room), e)
	it.Bytes = len(it.encoded)
}

// inlineLimit is the most data that goes into a message beside everything else.
func (s *Store) inlineLimit() int { return int(s.conn.MaxPayload()) - 32<<10 }

// Flush returns when everything parked so far is durable, or with ctx's error.
func (p *Parker) Flush(ctx context.Context) error {
	p.leaveNow()
	return p.out.Flush(ctx)
}

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told; nor are those of a Recall. Calling it
// again is fine.
func (p *Parker) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.running.Wait()
	p.leaveNow()
	return p.out.Close(ctx)
}

// Pending is the number of segments not yet durable, and why the last try
// failed, nil where it did not.
func (p *Parker) Pending() (segments uint64, fault error) { return p.out.Pending() }
