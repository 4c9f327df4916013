package endpoint

import (
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// records are used again: no one keeps a record it is shown.
var records = sync.Pool{New: func() any { return new(transport.Record) }}

// base takes a record and fills what every record of a lease holds.
func (l *Lease) base(kind transport.Kind, at time.Time) *transport.Record {
	r := records.Get().(*transport.Record)
	*r = transport.Record{
		Kind: kind, Seq: l.Seq, Replay: l.Replay, Endpoint: l.Endpoint, At: at,
		Customer: l.Event.Customer, EventID: l.Event.ID, EventType: l.Event.Type,
		Traceparent: l.Event.Traceparent, Stored: l.Event.Stored,
	}
	return r
}

// keep journals r and takes it back.
func (l *Lease) keep(d *Deps, r *transport.Record) {
	d.Journal.Append(r, l)
	*r = transport.Record{}
	records.Put(r)
}

// Skip ends the pair without a delivery, for a reason; a lease without an
// endpoint skips its event as a whole.
func (l *Lease) Skip(d *Deps, reason string) {
	r := l.base(transport.Skipped, d.Now())
	r.Reason = reason
	d.Observer.Record(r)
	l.await(1)
	l.keep(d, r)
	l.handed = true
}

// Bury gives the pair up: a dead letter first, then the record that closes it.
// last is the last attempt's answer, nil where none was made now.
func (l *Lease) Bury(d *Deps, reason string, last *transport.Answer) { l.bury(d, reason, last, nil) }

// bury tells done, which may be nil, when the end is durable.
func (l *Lease) bury(d *Deps, reason string, last *transport.Answer, done transport.Waiter) {
	l.awaitClosing()
	r := l.base(transport.DeadLettered, d.Now())
	r.Reason = reason
	d.Observer.Record(r)
	letter := &transport.DeadLetter{
		Customer: l.Event.Customer, Endpoint: l.Endpoint, Reason: reason, At: r.At,
		Replay: l.Replay, Tries: l.Tries, Event: l.Event,
	}
	if last != nil {
		letter.Detail, letter.LastAnswer = last.Detail, last.Body
	}
	l.handed = true
	l.whenOwed(d, func() { d.Graveyard.Bury(letter, &closing{deps: d, lease: l, record: r, then: done}) })
}

// closing journals the end of a pair once its dead letter is durable, so that
// a crash between the two leaves a letter too many and never one too few.
type closing struct {
	deps   *Deps
	lease  *Lease
	record *transport.Record
	then   transport.Waiter
}

// Done appends the closing record.
func (c *closing) Done() {
	c.lease.keep(c.deps, c.record)
	if c.then != nil {
		c.deps.Journal.After(c.then)
	}
}
