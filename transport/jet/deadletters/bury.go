package deadletters

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/wire"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

// maxRaw is how much of an unreadable document is kept.
const maxRaw = 64 << 10

// Graveyard puts dead letters into DEADLETTERS.
type Graveyard struct {
	store *Store
	out   *jet.Outbox

	mu     sync.Mutex
	closed bool
}

// Graveyard starts one.
func (s *Store) Graveyard() *Graveyard {
	out := s.conn.NewOutbox("dead letters")
	out.Guard = s.opts.Fence.OfDeadLetters()
	return &Graveyard{store: s, out: out}
}

// Bury takes d, which is read at once and not kept, and tells w (nil is fine)
// when it is durable. It does not wait for NATS. The same pair buried twice
// within two minutes is one letter. After Close it does nothing.
func (g *Graveyard) Bury(d *transport.DeadLetter, w transport.Waiter) {
	id := ""
	if d.Event != nil {
		id = fmt.Sprintf("%s/%d/%d", d.Endpoint, d.Event.Seq, d.Replay)
	}
	g.BuryAs(d, id, w)
}

// BuryAs is Bury under an id: of letters with the same within two minutes the
// first is kept.
func (g *Graveyard) BuryAs(d *transport.DeadLetter, id string, w transport.Waiter) {
	p := g.store.letterParcel(d, id)
	if w != nil {
		p.Waiters = []transport.Waiter{w}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.out.Add(p)
	}
}

// Flush returns when everything buried so far is durable, or with ctx's error.
func (g *Graveyard) Flush(ctx context.Context) error { return g.out.Flush(ctx) }

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told. Calling it again is fine.
func (g *Graveyard) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	return g.out.Close(ctx)
}

// Pending is the number of letters not yet durable, and why the last try
// failed, nil where it did not.
func (g *Graveyard) Pending() (letters uint64, fault error) { return g.out.Pending() }

// letterJSON is a message of DEADLETTERS. Durations are Go's ("1.5s"). The
// event's data is its last key, byte for byte as it was published; where it
// lies in the object store, object names it instead. A document that could not
// be read has raw (base64, at most 64 KiB; raw_cut tells that more was there).
type letterJSON struct {
	Reason           string     `json:"reason"`
	Detail           string     `json:"detail,omitempty"`
	At               time.Time  `json:"at"`
	Customer         string     `json:"customer,omitempty"`
	Endpoint         string     `json:"endpoint,omitempty"`
	Replay           uint64     `json:"replay,omitempty"`
	Tries            []tryJSON  `json:"tries,omitempty"`
	LastAnswer       string     `json:"last_answer,omitempty"`
	LastAnswerBase64 []byte     `json:"last_answer_base64,omitempty"`
	Subject          string     `json:"subject,omitempty"`
	Raw              []byte     `json:"raw,omitempty"`
	RawCut           bool       `json:"raw_cut,omitempty"`
	Event            *eventJSON `json:"event,omitempty"`
}

type tryJSON struct {
	At     time.Time `json:"at"`
	Took   string    `json:"took"`
	Status int       `json:"status,omitempty"`
	Class  string    `json:"class"`
	Reason string    `json:"reason,omitempty"`
}

type eventJSON struct {
	Seq         uint64                  `json:"seq"`
	ID          string                  `json:"id,omitempty"`
	IDGiven     bool                    `json:"id_given,omitempty"`
	Type        string                  `json:"type,omitempty"`
	Source      string                  `json:"source,omitempty"`
	Cloud       *cloudevents.Attributes `json:"cloudevent,omitempty"`
	Time        time.Time               `json:"time,omitzero"`
	Stored      time.Time               `json:"stored,omitzero"`
	Traceparent string                  `json:"traceparent,omitempty"`
	Object      string                  `json:"object,omitempty"`
	Data        json.RawMessage         `json:"data,omitempty"`
}

func (s *Store) letterParcel(d *transport.DeadLetter, id string) *jet.Parcel {
	msg := nats.NewMsg(letterSubject(d))
	if id != "" {
		msg.Header.Set(jetstream.MsgIDHeader, id)
	}
	p := &jet.Parcel{Msg: msg}
	letter, data := newLetterJSON(d)
	if msg.Data = encodeLetter(letter, data); len(msg.Data) > int(s.conn.MaxPayload())-4<<10 && len(data) > 0 {
		name := jet.PayloadName("buried")
		p.Objects = []jet.Object{{Name: name, Data: data}}
		letter.Event.Object = name
		msg.Data = encodeLetter(letter, nil)
	}
	return p
}

// letterSubject never has a word in it that NATS or another customer's filter
// would read otherwise.
func letterSubject(d *transport.DeadLetter) string {
	customer, endpoint := "_", "_"
	if transport.CheckCustomer(d.Customer) == nil {
		customer = d.Customer
	}
	if d.Endpoint != "" {
		endpoint = jet.SubjectWord(d.Endpoint)
	}
	return "deadletters." + customer + "." + endpoint
}

// newLetterJSON gives the letter without the event's data, and the data.
func newLetterJSON(d *transport.DeadLetter) (*letterJSON, []byte) {
	l := &letterJSON{Reason: d.Reason, Detail: wire.CutText(d.Detail, wire.MaxText), At: d.At.UTC(), Customer: d.Customer,
		Endpoint: d.Endpoint, Replay: d.Replay, Subject: strings.ToValidUTF8(wire.CutText(d.Subject, wire.MaxText), "\uFFFD")}
	for _, t := range d.Tries[max(0, len(d.Tries)-wire.MaxTries):] {
		l.Tries = append(l.Tries, tryJSON{t.At.UTC(), t.Took.String(), t.Status, t.Class.String(), t.Reason})
	}
	answer := d.LastAnswer[:min(len(d.LastAnswer), transport.MaxAnswerKept)]
	if l.LastAnswer = string(answer); !utf8.Valid(answer) {
		l.LastAnswer, l.LastAnswerBase64 = "", answer
	}
	ev := d.Event
	if ev == nil {
		return l, nil
	}
	l.Event = &eventJSON{Seq: ev.Seq, ID: ev.ID, IDGiven: ev.IDGiven, Type: ev.Type, Source: ev.Source, Cloud: ev.Cloud,
		Time: ev.Time.UTC(), Stored: ev.Stored.UTC(), Traceparent: ev.Traceparent, Object: ev.Object}
	if d.Endpoint == "" {
		l.Raw, l.RawCut = ev.Data[:min(len(ev.Data), maxRaw)], len(ev.Data) > maxRaw
		return l, nil
	}
	if ev.Object != "" {
		return l, nil
	}
	return l, ev.Data
}

// encodeLetter puts data in as it is: encoding/json would write it anew, and a
// replay of a raw delivery would then not send the bytes that were published.
func encodeLetter(l *letterJSON, data []byte) []byte {
	ev := l.Event
	l.Event = nil
	out := jet.CompactJSON(l)
	if l.Event = ev; ev == nil {
		return out
	}
	out = append(append(out[:len(out)-1], `,"event":`...), jet.CompactJSON(ev)...)
	if len(data) > 0 {
		out = append(append(out[:len(out)-1], `,"data":`...), data...)
		out = append(out, '}')
	}
	return append(out, '}')
}
