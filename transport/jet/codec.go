package jet

import (
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
)

// A journal message is a version byte and its records, each with its length
// before it. A fan-out of many endpoints is several records, one after the
// other, in one message or several.
const journalVersion = 1

// Fields of a record. Numbers are never used again for something else.
const (
	recKind = iota + 1
	recSeq
	recReplay
	recCustomer
	recEndpointPacked
	recEndpoint
	recEventID
	recEventType
	recAt
	recRevision
	recEndpoints     // 16 bytes each, one after the other
	recEndpointOther // one id that is not a UUID; repeated
	recToCome        // endpoints of this fan-out in the records that follow
	recNumber
	recNextAt
	recReason
	recClass
	recStatus
	recAnswerReason
	recDetail
	recRetryAfter
	recBody
	recTook
	recDNS
	recConnect
	recTLS
	recFirstByte
	recResent
	recStored // how long before recAt the event was stored, in ns; see appendStored
	recTo
)

// fanOutPart is the most endpoints in one record of a fan-out, so that a
// record stays far below any server's message limit.
const fanOutPart = 4096

// appendPart appends r with its length, with these of its endpoints and the
// number of those in the records to follow (0 for all other kinds). It
// allocates nothing where dst has room.
func appendPart(dst []byte, r *transport.Record, endpoints []string, toCome uint64) []byte {
	dst, at := openSized(dst)
	dst = appendNumber(dst, recKind, uint64(r.Kind))
	dst = appendNumber(dst, recSeq, r.Seq)
	dst = appendNumber(dst, recReplay, r.Replay)
	dst = appendText(dst, recCustomer, r.Customer)
	dst = appendEndpoint(dst, recEndpointPacked, recEndpoint, r.Endpoint)
	dst = appendText(dst, recEventID, r.EventID)
	dst = appendText(dst, recEventType, r.EventType)
	dst = appendTime(dst, recAt, r.At)
	switch r.Kind {
	case transport.FanOut:
		dst = appendStored(dst, r)
		dst = appendNumber(dst, recRevision, r.Revision)
		dst = appendEndpoints(dst, endpoints)
		dst = appendNumber(dst, recToCome, toCome)
	case transport.Tried:
		dst = appendNumber(dst, recNumber, uint64(max(r.Number, 0)))
		dst = appendTime(dst, recNextAt, r.NextAt)
		dst = appendAnswer(dst, &r.Answer)
	case transport.Skipped:
		if r.Endpoint == "" {
			dst = appendStored(dst, r)
		}
	case transport.Lost:
		dst = appendNumber(dst, recTo, r.To)
	}
	dst = appendText(dst, recReason, r.Reason)
	return closeSized(dst, at)
}

// appendStored writes when the event was stored, by what lies between that and
// the record: some 5 bytes. Clocks may differ, so it has a sign in its last bit;
// one more, since zeros are left out.
func appendStored(dst []byte, r *transport.Record) []byte {
	d := r.At.Sub(r.Stored)
	if r.Stored.IsZero() || !r.Stored.Add(d).Equal(r.At) {
		return dst // never, or hundreds of years apart
	}
	return appendNumber(dst, recStored, uint64(d<<1^d>>63)+1)
}

func readStored(at time.Time, n uint64) time.Time {
	if n--; at.IsZero() {
		return time.Time{}
	}
	return at.Add(-time.Duration(n>>1 ^ -(n & 1)))
}

func appendEndpoints(dst []byte, ids []string) []byte {
	var u [16]byte
	packed := 0
	for _, id := range ids {
		if packUUID(&u, id) {
			packed++
		}
	}
	if packed > 0 {
		dst = appendHead(dst, recEndpoints, 16*packed)
		for _, id := range ids {
			if packUUID(&u, id) {
				dst = append(dst, u[:]...)
			}
		}
	}
	if packed == len(ids) {
		return dst
	}
	for _, id := range ids {
		if !packUUID(&u, id) {
			dst = appendText(dst, recEndpointOther, id)
		}
	}
	return dst
}

func appendAnswer(dst []byte, a *transport.Answer) []byte {
	dst = appendNumber(dst, recClass, uint64(a.Class))
	dst = appendNumber(dst, recStatus, uint64(max(a.Status, 0)))
	dst = appendText(dst, recAnswerReason, a.Reason)
	dst = appendText(dst, recDetail, a.Detail)
	dst = appendNumber(dst, recRetryAfter, nonNegative(a.RetryAfter))
	dst = appendBytes(dst, recBody, a.Body[:min(len(a.Body), transport.MaxAnswerKept)])
	dst = appendNumber(dst, recTook, nonNegative(a.Took))
	dst = appendNumber(dst, recDNS, nonNegative(a.DNS))
	dst = appendNumber(dst, recConnect, nonNegative(a.Connect))
	dst = appendNumber(dst, recTLS, nonNegative(a.TLS))
	dst = appendNumber(dst, recFirstByte, nonNegative(a.FirstByte))
	if a.Resent {
		dst = appendNumber(dst, recResent, 1)
	}
	return dst
}

// recordReader decodes records. Customers, endpoints and types are few among
// many records, so it keeps one string of each; one reader is for one goroutine.
type recordReader struct {
	texts map[string]string
	uuids map[[16]byte]string
	// last are the two texts found last: mostly the customer and the type.
	last [2]string
	// fan is the fan-out whose parts are coming.
	fan *transport.Record
	// pool is where records come from; nil: each is a new one.
	pool *recordPool
}

// maxKept bounds the strings a reader keeps.
const maxKept = 1 << 17

func newRecordReader() *recordReader {
	return &recordReader{texts: map[string]string{}, uuids: map[[16]byte]string{}}
}

// message calls each for every record of a journal message, in order. A
// fan-out in parts is given once, whole; one whose later parts never came is
// not given at all. The record and its slices are each's to keep.
func (d *recordReader) message(msg []byte, each func(*transport.Record) error) error {
	if len(msg) == 0 || msg[0] != journalVersion {
		return fmt.Errorf("journal message: not version %d; written by a newer Postrider?", journalVersion)
	}
	for rest := msg[1:]; len(rest) > 0; {
		var piece []byte
		var err error
		if piece, rest, err = cutSized(rest); err != nil {
			return fmt.Errorf("journal message: %w", err)
		}
		r, toCome, err := d.record(piece)
		if err != nil {
			return fmt.Errorf("journal record: %w", err)
		}
		if r = d.join(r, toCome); r == nil {
			continue
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// join puts the parts of a fan-out together; nil while parts are to come.
func (d *recordReader) join(r *transport.Record, toCome uint64) *transport.Record {
	whole := d.fan
	d.fan = nil
	if r.Kind != transport.FanOut {
		return r
	}
	if whole != nil && whole.Seq == r.Seq && whole.Revision == r.Revision {
		whole.Endpoints = append(whole.Endpoints, r.Endpoints...)
		r = whole
	}
	if toCome == 0 {
		return r
	}
	d.fan = d.pool.own(r)
	return nil
}

// record decodes one record without its length.
func (d *recordReader) record(b []byte) (r *transport.Record, toCome uint64, err error) {
	r = d.pool.get()
	f := fields{rest: b}
	for f.next() {
		switch f.field {
		case recKind:
			r.Kind = transport.Kind(f.num(math.MaxUint8))
		case recSeq:
			r.Seq = f.num(math.MaxUint64)
		case recReplay:
			r.Replay = f.num(math.MaxUint64)
		case recCustomer:
			r.Customer = d.text(&f)
		case recEndpointPacked:
			r.Endpoint = d.uuid(f.data(16), &f)
		case recEndpoint:
			r.Endpoint = d.text(&f)
		case recEventID:
			r.EventID = f.text()
		case recEventType:
			r.EventType = d.text(&f)
		case recAt:
			r.At = f.time()
		case recRevision:
			r.Revision = f.num(math.MaxUint64)
		case recEndpoints:
			d.endpoints(r, &f)
		case recEndpointOther:
			r.Endpoints = append(r.Endpoints, d.text(&f))
		case recToCome:
			toCome = f.num(1 << 32)
		case recNumber:
			r.Number = int(f.num(math.MaxInt32))
		case recNextAt:
			r.NextAt = f.time()
		case recReason:
			r.Reason = d.text(&f)
		case recStored:
			r.Stored = readStored(r.At, f.num(math.MaxUint64))
		case recTo:
			r.To = f.num(math.MaxUint64)
		default:
			d.answer(&r.Answer, &f)
		}
	}
	return r, toCome, f.err
}

func (d *recordReader) answer(a *transport.Answer, f *fields) {
	switch f.field {
	case recClass:
		a.Class = transport.Class(f.num(math.MaxUint8))
	case recStatus:
		a.Status = int(f.num(math.MaxInt32))
	case recAnswerReason:
		a.Reason = d.text(f)
	case recDetail:
		a.Detail = f.text()
	case recRetryAfter:
		a.RetryAfter = f.duration()
	case recBody:
		a.Body = append([]byte(nil), f.data(transport.MaxAnswerKept)...)
	case recTook:
		a.Took = f.duration()
	case recDNS:
		a.DNS = f.duration()
	case recConnect:
		a.Connect = f.duration()
	case recTLS:
		a.TLS = f.duration()
	case recFirstByte:
		a.FirstByte = f.duration()
	case recResent:
		a.Resent = f.num(1) == 1
	}
}

func (d *recordReader) endpoints(r *transport.Record, f *fields) {
	b := f.data(16 * fanOutPart)
	if len(b)%16 != 0 {
		f.fail(errShort)
		return
	}
	for ; len(b) > 0; b = b[16:] {
		r.Endpoints = append(r.Endpoints, d.uuid(b[:16], f))
	}
}

func (d *recordReader) text(f *fields) string {
	b := f.data(maxText)
	for _, s := range d.last {
		if s == string(b) {
			return s
		}
	}
	s, ok := d.texts[string(b)]
	if !ok {
		if len(d.texts) >= maxKept {
			clear(d.texts)
		}
		s = string(b)
		d.texts[s] = s
	}
	d.last[1], d.last[0] = d.last[0], s
	return s
}

func (d *recordReader) uuid(b []byte, f *fields) string {
	if len(b) != 16 {
		f.fail(errShort)
		return ""
	}
	u := [16]byte(b)
	if s, ok := d.uuids[u]; ok {
		return s
	}
	if len(d.uuids) >= maxKept {
		clear(d.uuids)
	}
	s := writeUUID(b)
	d.uuids[u] = s
	return s
}
