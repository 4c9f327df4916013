package jet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Headers that make a message a schedule. WithScheduleAt cuts to whole
// seconds and would fire early, so the header is written here.
const (
	headerSchedule = "Nats-Schedule"
	headerTarget   = "Nats-Schedule-Target"
)

// Parker puts entries into DEFERRED, where JetStream keeps the time. Entries
// of one endpoint that are due within 50 ms of each other go as one segment,
// due with the latest of them: never sooner than asked.
type Parker struct {
	store *Store
	out   *outbox

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
	once sync.Once

	mu     sync.Mutex
	open   map[string]*bucket // by endpoint
	order  []*bucket          // oldest first; the emptied are passed over
	ids    publishIDs
	closed bool
}

// bucket gathers one endpoint's entries for at most collectWait.
type bucket struct {
	customer, endpoint string
	items              []item
	bytes              int
	since              time.Time
}

// item is an entry, encoded when it was parked: the caller may change its own.
type item struct {
	seq, replay uint64
	hop         uint32
	due         time.Time
	encoded     []byte
	waiters     []transport.Waiter
	object      string
	data        []byte
}

// Parker starts a parker.
func (s *Store) Parker() *Parker {
	p := &Parker{store: s, out: s.newOutbox("parking"), open: map[string]*bucket{},
		ids:  publishIDs{prefix: s.publishID("park")},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go p.run()
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
	b := p.open[endpoint]
	if b != nil && b.bytes+len(it.encoded) > transport.MaxSegmentBytes {
		p.leave(b)
		b = nil
	}
	if b == nil {
		b = &bucket{customer: customer, endpoint: endpoint, since: time.Now()}
		p.open[endpoint] = b
		if p.order = append(p.order, b); len(p.order) == 1 {
			nudge(p.wake)
		}
	}
	b.items = append(b.items, it)
	b.bytes += len(it.encoded)
	if len(b.items) == transport.MaxSegmentEntries || b.bytes >= transport.MaxSegmentBytes {
		p.leave(b)
	}
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
	it := item{seq: e.Event.Seq, replay: e.Replay, hop: e.Hop, due: e.Due}
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
	p.leaveAll()
	return p.out.flush(ctx)
}

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told. Calling it again is fine.
func (p *Parker) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.once.Do(func() { close(p.stop) })
	<-p.done
	p.leaveAll()
	return p.out.close(ctx)
}

// Pending is the number of segments not yet durable, and why the last try
// failed, nil where it did not.
func (p *Parker) Pending() (segments uint64, fault error) { return p.out.pending() }

func (p *Parker) leaveAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.order {
		p.leave(b)
	}
	p.order = nil
}

// run sends off what has waited collectWait.
func (p *Parker) run() {
	defer close(p.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(p.leaveOld())
		select {
		case <-timer.C:
		case <-p.wake:
		case <-p.stop:
			return
		}
	}
}

// leaveOld gives how long the next bucket may still wait.
func (p *Parker) leaveOld() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.order) > 0 {
		b := p.order[0]
		if left := collectWait - time.Since(b.since); left > 0 && len(b.items) > 0 {
			return left
		}
		p.leave(b)
		p.order = p.order[1:]
	}
	p.order = nil
	return time.Hour
}

// leave turns a bucket into segments. The lock is held.
func (p *Parker) leave(b *bucket) {
	if p.open[b.endpoint] == b {
		delete(p.open, b.endpoint)
	}
	for _, group := range segments(b.items) {
		p.out.add(segmentParcel(b.customer, b.endpoint, group, p.ids.next()))
	}
	b.items = nil
}

// segments cuts items into groups that are due within collectWait of each
// other and fit into a segment, each in order of (seq, replay). Of a pair that
// is there twice the higher hop is kept, and tells both waiters.
func segments(items []item) [][]item {
	slices.SortStableFunc(items, comparePairs)
	items = dropLower(items)
	slices.SortStableFunc(items, func(a, b item) int { return a.due.Compare(b.due) })
	var groups [][]item
	for from := 0; from < len(items); {
		to, bytes := from, 0
		for to < len(items) && to-from < transport.MaxSegmentEntries &&
			items[to].due.Sub(items[from].due) <= collectWait &&
			(to == from || bytes+len(items[to].encoded) <= transport.MaxSegmentBytes) {
			bytes += len(items[to].encoded)
			to++
		}
		groups = append(groups, items[from:to:to])
		from = to
	}
	return groups
}

func comparePairs(a, b item) int {
	return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.replay, b.replay), cmp.Compare(a.hop, b.hop))
}

func dropLower(sorted []item) []item {
	kept := sorted[:0]
	for _, it := range sorted {
		if n := len(kept); n > 0 && kept[n-1].seq == it.seq && kept[n-1].replay == it.replay {
			it.waiters = append(it.waiters, kept[n-1].waiters...)
			kept = kept[:n-1]
		}
		kept = append(kept, it)
	}
	return kept
}

// segmentParcel makes the schedule message of one segment.
func segmentParcel(customer, endpoint string, group []item, id string) *parcel {
	due := slices.MaxFunc(group, func(a, b item) int { return a.due.Compare(b.due) }).due
	slices.SortStableFunc(group, comparePairs)
	first := group[0]
	msg := nats.NewMsg(parkSubject(endpoint, first.seq, first.replay))
	msg.Header.Set(headerSchedule, "@at "+due.UTC().Format(time.RFC3339Nano))
	msg.Header.Set(headerTarget, fmt.Sprintf("due.%d.%s.%020d", shard, subjectWord(endpoint), first.seq))
	msg.Header.Set(jetstream.MsgIDHeader, id)
	p := &parcel{msg: msg}
	size := 256
	for i := range group {
		size += len(group[i].encoded)
	}
	msg.Data = appendPreamble(make([]byte, 0, size), customer, endpoint, due)
	for i := range group {
		msg.Data = append(msg.Data, group[i].encoded...)
		p.waiters = append(p.waiters, group[i].waiters...)
		if group[i].object != "" {
			p.objects = append(p.objects, object{group[i].object, group[i].data})
		}
	}
	return p
}

// parkSubject names a segment by its first pair. A pair waits in one place
// only, so no segment replaces another's schedule; a replay is a pair of its own.
func parkSubject(endpoint string, seq, replay uint64) string {
	subject := fmt.Sprintf("park.%d.%s.%d", shard, subjectWord(endpoint), seq)
	if replay != 0 {
		subject += "-" + strconv.FormatUint(replay, 10)
	}
	return subject
}

// subjectWord is id where NATS takes it as one word of a subject. Anything else
// would break the connection, and every parking with it; the segment itself
// tells the endpoint as it is.
func subjectWord(id string) string {
	if transport.CheckCustomer(id) == nil {
		return id
	}
	return fmt.Sprintf("hex-%x", id)
}
