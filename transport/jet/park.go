package jet

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Parker puts entries into DEFERRED, where JetStream keeps the time, and brings
// them back. Entries of one endpoint and of one kind (those that wait for room
// alone, and those with a time of their own) that come back within 50 ms of
// each other go as one segment, with the latest of them: never sooner than asked.
// Fresh events that wait long are gathered for up to gatherMost first.
type Parker struct {
	store *Store
	out   *outbox

	ctx     context.Context // ends at Close
	cancel  context.CancelFunc
	wake    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	open    map[string]*bucket // by endpoint
	held    int                // items in open
	next    time.Time          // when run looks at them again
	ids     publishIDs
	names   publishIDs
	hurried bool
	closed  bool

	recalls  recalls
	clearing clearing
	lists    chan struct{} // a place for each List under way
}

// item is an entry, encoded when it was parked: the caller may change its own.
type item struct {
	seq, replay uint64
	hop         uint32
	wake        time.Time
	ready       bool // it waits for room alone
	size        int  // Event.Size
	encoded     []byte
	waiters     []transport.Waiter
	object      string
	data        []byte
}

func (it *item) place() transport.Place { return transport.Place{Replay: it.replay, Seq: it.seq} }

// Parker starts a parker. A shard has one at a time.
func (s *Store) Parker() *Parker {
	p := &Parker{store: s, out: s.newOutbox("parking"), open: map[string]*bucket{},
		ids: publishIDs{prefix: s.publishID("park")}, names: publishIDs{prefix: randomToken(8) + "_"},
		wake: make(chan struct{}, 1), lists: make(chan struct{}, mostLists)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
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

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// encodeItem writes an entry; data that would not fit into a message goes to
// the object store. Its name is made here, once, so that every try to store the
// entry puts the same object; parked again, the entry refers to it still.
func (s *Store) encodeItem(e *transport.Entry) item {
	it := item{seq: e.Event.Seq, replay: e.Replay, hop: e.Hop,
		wake: e.Wake(), ready: e.Due.IsZero(), size: e.Event.Size()}
	room := len(e.Event.Data) + 512 + 64*len(e.Tries)
	if e.Event.Object == "" && room > s.inlineLimit() {
		ev := *e.Event
		it.data, it.object = ev.Data, payloadName("parked")
		ev.Object = it.object
		e = &transport.Entry{Event: &ev, Replay: e.Replay, Tries: e.Tries, Hop: e.Hop, Due: e.Due}
		room = 512 + 64*len(e.Tries)
	}
	it.encoded = appendEntry(make([]byte, 0, room), e)
	return it
}

// inlineLimit is the most data that goes into a message beside everything else.
func (s *Store) inlineLimit() int { return int(s.nc.MaxPayload()) - 32<<10 }

// Flush returns when everything parked so far is durable, or with ctx's error.
func (p *Parker) Flush(ctx context.Context) error {
	p.leaveNow()
	return p.out.flush(ctx)
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
	return p.out.close(ctx)
}

// Pending is the number of segments not yet durable, and why the last try
// failed, nil where it did not.
func (p *Parker) Pending() (segments uint64, fault error) { return p.out.pending() }
