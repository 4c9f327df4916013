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
		Trace: transport.TraceOf(l.Event.Traceparent), Sampled: transport.Sampled(l.Event.Traceparent), Stored: l.Event.Stored,
	}
	return r
}

// keep journals r, with w (which may be nil) told, and takes r back.
func keep(d *Deps, r *transport.Record, w transport.Waiter) {
	d.Journal.Append(r, w)
	*r = transport.Record{}
	records.Put(r)
}

// Skip ends the delivery without one, for a reason; a lease without an endpoint
// skips its event as a whole.
func (l *Lease) Skip(d *Deps, reason string) { keep(d, l.skipped(d, reason), (*final)(l)) }

func (l *Lease) skipped(d *Deps, reason string) *transport.Record {
	r := l.base(transport.Skipped, d.Now())
	r.Reason = reason
	d.Observer.Record(r)
	return r
}

// Bury gives the delivery up: a dead letter first, then the record that closes it.
func (l *Lease) Bury(d *Deps, reason string) { l.buried(d, l.Tries, reason, nil).leave() }

// burial journals the end of a delivery once its dead letter is durable, so that
// a crash between the two leaves a letter too many and never one too few.
type burial struct {
	deps   *Deps
	lease  *Lease
	letter *transport.DeadLetter
	record *transport.Record
	then   transport.Waiter // told when the end is durable; nil: nobody
}

// buried is what is written of a delivery that is given up after tries. last is
// the last attempt's answer, nil where none was made now.
func (l *Lease) buried(d *Deps, tries []transport.Try, reason string, last *transport.Answer) *burial {
	r := l.base(transport.DeadLettered, d.Now())
	r.Reason = reason
	d.Observer.Record(r)
	letter := &transport.DeadLetter{
		Customer: l.Event.Customer, Endpoint: l.Endpoint, Reason: reason, At: r.At,
		Replay: l.Replay, Tries: tries, Event: l.Event,
	}
	if last != nil {
		letter.Detail, letter.LastAnswer = last.Detail, last.Body
	}
	return &burial{deps: d, lease: l, letter: letter, record: r}
}

func (b *burial) leave() {
	b.lease.whenOwed(b.deps, func() { b.deps.Graveyard.Bury(b.letter, b) })
}

// Done appends the closing record.
func (b *burial) Done() {
	keep(b.deps, b.record, (*final)(b.lease))
	if b.then != nil {
		b.deps.Journal.After(b.then)
	}
}
