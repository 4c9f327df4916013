package gate

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport/jet/publisher"
)

const (
	// mostIDs bounds what is remembered of ids, at some 70 bytes each.
	mostIDs = 1 << 20
	// mostWaiting bounds the repeats that wait for one under way.
	mostWaiting = 1 << 14
)

// Lane is the way of messages into one stream: it judges what comes, keeps it
// in its queue until a committer takes it, and answers. It implements
// publisher.Source; its methods may be called from any goroutine, and never
// wait.
type Lane struct {
	rules   *Rules
	now     func() time.Time
	answer  func(reply string, data []byte)
	count   func(stream, reason string, n int)
	admit   func(customer string, bytes int) error
	stored  func(m *nats.Msg, customer string, seq uint64)
	waiting chan struct{}

	mu     sync.Mutex
	queue  *Queue
	ids    *ids
	closed bool
	alarm  *time.Timer   // wakes a customer that is over a quota; nil: none is set
	empty  chan struct{} // closed when nothing is held; nil: nobody asked
}

// LaneOptions are what a Lane needs; all must be set.
type LaneOptions struct {
	Rules  Rules
	Bounds Bounds
	// Paces are the customers' quotas of a rate; none is fine.
	Paces []Pace
	// Window is how far back ids are told as duplicates.
	Window time.Duration
	Now    func() time.Time
	// Answer sends what the publisher is answered with. It must not wait.
	Answer func(reply string, data []byte)
	// Count is told of n messages that are not stored, and why.
	Count func(stream, reason string, n int)
	// Admit tells why there is no room in the stream for so many bytes more of a
	// customer's, those that wait to be stored included: an error that wraps transport.ErrUnavailable where there is none
	// for anybody. nil: there always is.
	Admit func(customer string, bytes int) error
	// Stored is told of what was stored; nil: nobody.
	Stored func(m *nats.Msg, customer string, seq uint64)
}

// NewLane is one with nothing in it.
func NewLane(o LaneOptions) *Lane {
	return &Lane{rules: &o.Rules, now: o.Now, answer: o.Answer, count: o.Count, admit: o.Admit, stored: o.Stored, waiting: make(chan struct{}, 1),
		queue: NewQueue(o.Bounds, o.Paces...), ids: newIDs(o.Window, mostIDs)}
}

// Item is a message on its way into the stream. It implements publisher.Piece.
type Item struct {
	lane     *Lane
	msg      *nats.Msg
	customer string
	reply    string
	size     int
	key      key
	known    bool     // key is that of its id
	repeats  []string // replies of those with the same id
}

// Remember tells of a message that is stored already; oldest first.
func (l *Lane) Remember(customer, id string, seq uint64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids.add(l.ids.keyOf(customer, id), seq, at)
}

// Take takes a message as it came. It keeps it and its data.
func (l *Lane) Take(m *nats.Msg) {
	a, wantsID, refusal := l.rules.envelope(m)
	if refusal == nil {
		refusal = l.room(&a)
	}
	if refusal == nil {
		refusal = l.rules.document(&a, wantsID, m.Reply)
	}
	if refusal == nil {
		refusal = l.enter(&a, m.Reply)
	}
	if refusal != nil {
		l.refuse(m.Reply, refusal)
	}
}

// room asks before the document is read, which costs more.
func (l *Lane) room(a *admitted) *Refusal {
	if l.admit != nil && a.customer != "" {
		l.mu.Lock()
		held := l.queue.HeldBy(a.customer)
		l.mu.Unlock()
		if err := l.admit(a.customer, held+a.size); err != nil {
			return noRoom(err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roomLocked(a)
}

func (l *Lane) roomLocked(a *admitted) *Refusal {
	switch {
	case l.closed:
		return &Refusal{Reason: ReasonStore, Code: 503, ErrCode: codeUnavailable, Description: "the node is stopping; publish again later, with the same id"}
	case !l.queue.Room(a.customer, a.size):
		return &Refusal{Reason: ReasonShare, Code: 429, ErrCode: codeTooMany, Description: "too many requests: " + whose(a.customer) +
			l.why(a.customer) + "; wait for acknowledgements, and publish again, with the same id"}
	}
	return nil
}

func (l *Lane) why(customer string) string {
	if l.queue.Over(customer) {
		return " is over its quota of events or bytes a second (GET /v1/usage), and has too much waiting to be stored"
	}
	return " has too much waiting to be stored"
}

func whose(customer string) string {
	if customer == "" {
		return "this subject"
	}
	return "customer " + customer
}

// enter queues a message, or answers it as a duplicate, or has it wait for the
// one with its id that is under way.
func (l *Lane) enter(a *admitted, reply string) *Refusal {
	it := &Item{lane: l, msg: a.msg, customer: a.customer, reply: reply, size: a.size}
	l.mu.Lock()
	defer l.mu.Unlock()
	if refusal := l.roomLocked(a); refusal != nil {
		return refusal
	}
	if a.id != "" {
		it.key, it.known = l.ids.keyOf(a.customer, a.id), true
		seq, under := l.ids.find(it.key, l.now())
		switch {
		case under != nil:
			return l.repeat(under, reply)
		case seq != 0:
			l.tell(reply, acknowledgement(l.rules.Stream, seq, true))
			return nil
		}
		l.ids.under[it.key] = it
	}
	l.queue.Add(it)
	l.nudge()
	return nil
}

func (l *Lane) repeat(under *Item, reply string) *Refusal {
	switch {
	case !answerable(reply):
		return nil
	case l.ids.waiting >= mostWaiting:
		return &Refusal{Reason: ReasonShare, Code: 429, ErrCode: codeTooMany,
			Description: "too many requests: this id is being stored already; wait for its acknowledgement"}
	}
	l.ids.waiting++
	under.repeats = append(under.repeats, reply)
	return nil
}

func (l *Lane) nudge() {
	select {
	case l.waiting <- struct{}{}:
	default:
	}
}

// Waiting holds a value when there is something to take.
func (l *Lane) Waiting() <-chan struct{} { return l.waiting }

// Pieces gives what is to be stored next, at least one where there is one.
func (l *Lane) Pieces(messages, bytes int, give func(publisher.Piece)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.queue.Take(now, messages, bytes, func(it *Item) { give(it) })
	if l.queue.Ready() {
		l.nudge()
	}
	if next := l.queue.Next(); !next.IsZero() && l.alarm == nil && !l.closed {
		l.alarm = time.AfterFunc(next.Sub(now), l.ring)
	}
}

// ring has the committer come for those whose time has come.
func (l *Lane) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm = nil
	l.nudge()
}

// Msg is what is to be stored.
func (it *Item) Msg() *nats.Msg { return it.msg }

// Bytes is its size.
func (it *Item) Bytes() int { return it.size }

// Stored takes what became of it, and answers.
func (it *Item) Stored(seq uint64, err error) {
	l := it.lane
	l.mu.Lock()
	l.queue.Done(it)
	if it.known {
		delete(l.ids.under, it.key)
		l.ids.waiting -= len(it.repeats)
		if err == nil {
			l.ids.add(it.key, seq, l.now())
		}
	}
	if l.empty != nil && l.queue.Held() == 0 {
		close(l.empty)
		l.empty = nil
	}
	l.mu.Unlock()
	if err == nil && l.stored != nil {
		l.stored(it.msg, it.customer, seq)
	}
	if err == nil {
		l.tell(it.reply, acknowledgement(l.rules.Stream, seq, false))
		for _, reply := range it.repeats {
			l.tell(reply, acknowledgement(l.rules.Stream, seq, true))
		}
		return
	}
	l.fail(it, err)
}

func (l *Lane) fail(it *Item, err error) {
	refusal := unstored(err)
	l.count(l.rules.Stream, ReasonStore, 1+len(it.repeats))
	if refusal == nil {
		return
	}
	data := refusalAnswer(l.rules.Stream, refusal)
	for _, reply := range append(it.repeats, it.reply) {
		l.tell(reply, data)
	}
}

func (l *Lane) refuse(reply string, r *Refusal) {
	l.count(l.rules.Stream, r.Reason, 1)
	if answerable(reply) {
		l.tell(reply, refusalAnswer(l.rules.Stream, r))
	}
}

func (l *Lane) tell(reply string, data []byte) {
	if answerable(reply) {
		l.answer(reply, data)
	}
}

// Close refuses what comes from now on, and gives a channel that is closed when
// nothing is under way any more.
func (l *Lane) Close() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.alarm != nil {
		l.alarm.Stop()
	}
	empty := make(chan struct{})
	if l.queue.Held() == 0 {
		close(empty)
		return empty
	}
	l.empty = empty
	return empty
}
