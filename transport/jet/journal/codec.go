package journal

import (
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/wire"
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
	recBodySum // 32 bytes
	recTrace   // 16 bytes
	recEndpointRevision
	recSettings
)

// fanOutPart is the most endpoints in one record of a fan-out, so that a
// record stays far below any server's message limit.
const fanOutPart = 4096

// appendPart appends r with its length, with these of its endpoints and the
// number of those in the records to follow (0 for all other kinds). It
// allocates nothing where dst has room.
func appendPart(dst []byte, r *transport.Record, endpoints []string, toCome uint64) []byte {
	dst, at := wire.OpenSized(dst)
	dst = wire.AppendNumber(dst, recKind, uint64(r.Kind))
	dst = wire.AppendNumber(dst, recSeq, r.Seq)
	dst = wire.AppendNumber(dst, recReplay, r.Replay)
	dst = wire.AppendText(dst, recCustomer, r.Customer)
	dst = wire.AppendEndpoint(dst, recEndpointPacked, recEndpoint, r.Endpoint)
	dst = wire.AppendText(dst, recEventID, r.EventID)
	dst = wire.AppendText(dst, recEventType, r.EventType)
	dst = wire.AppendTime(dst, recAt, r.At)
	if r.Trace != (transport.TraceID{}) {
		dst = wire.AppendBytes(dst, recTrace, r.Trace[:])
	}
	switch r.Kind {
	case transport.FanOut:
		dst = appendStored(dst, r)
		dst = wire.AppendNumber(dst, recRevision, r.Revision)
		dst = appendEndpoints(dst, endpoints)
		dst = wire.AppendNumber(dst, recToCome, toCome)
	case transport.Tried:
		dst = wire.AppendNumber(dst, recNumber, uint64(max(r.Number, 0)))
		dst = wire.AppendTime(dst, recNextAt, r.NextAt)
		dst = appendAnswer(dst, &r.Answer)
	case transport.Skipped:
		if r.Endpoint == "" {
			dst = appendStored(dst, r)
		}
	case transport.Lost:
		dst = wire.AppendNumber(dst, recTo, r.To)
	}
	dst = wire.AppendText(dst, recReason, r.Reason)
	return wire.CloseSized(dst, at)
}

// appendStored writes when the event was stored, by what lies between that and
// the record: some 5 bytes. Clocks may differ, so it has a sign in its last bit;
// one more, since zeros are left out.
func appendStored(dst []byte, r *transport.Record) []byte {
	d := r.At.Sub(r.Stored)
	if r.Stored.IsZero() || !r.Stored.Add(d).Equal(r.At) {
		return dst // never, or hundreds of years apart
	}
	return wire.AppendNumber(dst, recStored, uint64(d<<1^d>>63)+1)
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
		if wire.PackUUID(&u, id) {
			packed++
		}
	}
	if packed > 0 {
		dst = wire.AppendHead(dst, recEndpoints, 16*packed)
		for _, id := range ids {
			if wire.PackUUID(&u, id) {
				dst = append(dst, u[:]...)
			}
		}
	}
	if packed == len(ids) {
		return dst
	}
	for _, id := range ids {
		if !wire.PackUUID(&u, id) {
			dst = wire.AppendText(dst, recEndpointOther, id)
		}
	}
	return dst
}

func appendAnswer(dst []byte, a *transport.Answer) []byte {
	dst = wire.AppendNumber(dst, recClass, uint64(a.Class))
	dst = wire.AppendNumber(dst, recStatus, uint64(max(a.Status, 0)))
	dst = wire.AppendText(dst, recAnswerReason, a.Reason)
	dst = wire.AppendText(dst, recDetail, a.Detail)
	dst = wire.AppendNumber(dst, recRetryAfter, wire.NonNegative(a.RetryAfter))
	dst = wire.AppendBytes(dst, recBody, a.Body[:min(len(a.Body), transport.MaxAnswerKept)])
	dst = wire.AppendNumber(dst, recTook, wire.NonNegative(a.Took))
	dst = wire.AppendNumber(dst, recDNS, wire.NonNegative(a.DNS))
	dst = wire.AppendNumber(dst, recConnect, wire.NonNegative(a.Connect))
	dst = wire.AppendNumber(dst, recTLS, wire.NonNegative(a.TLS))
	dst = wire.AppendNumber(dst, recFirstByte, wire.NonNegative(a.FirstByte))
	if a.Resent {
		dst = wire.AppendNumber(dst, recResent, 1)
	}
	if a.BodySum != [32]byte{} {
		dst = wire.AppendBytes(dst, recBodySum, a.BodySum[:])
	}
	dst = wire.AppendNumber(dst, recEndpointRevision, a.Revision)
	return wire.AppendNumber(dst, recSettings, uint64(a.Settings))
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
		if piece, rest, err = wire.CutSized(rest); err != nil {
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
	f := wire.Fields{Rest: b}
	for f.Next() {
		switch f.Field {
		case recKind:
			r.Kind = transport.Kind(f.Num(math.MaxUint8))
		case recSeq:
			r.Seq = f.Num(math.MaxUint64)
		case recReplay:
			r.Replay = f.Num(math.MaxUint64)
		case recCustomer:
			r.Customer = d.text(&f)
		case recEndpointPacked:
			r.Endpoint = d.uuid(f.Data(16), &f)
		case recEndpoint:
			r.Endpoint = d.text(&f)
		case recEventID:
			r.EventID = f.Text()
		case recEventType:
			r.EventType = d.text(&f)
		case recAt:
			r.At = f.Time()
		case recRevision:
			r.Revision = f.Num(math.MaxUint64)
		case recEndpoints:
			d.endpoints(r, &f)
		case recEndpointOther:
			r.Endpoints = append(r.Endpoints, d.text(&f))
		case recToCome:
			toCome = f.Num(1 << 32)
		case recNumber:
			r.Number = int(f.Num(math.MaxInt32))
		case recNextAt:
			r.NextAt = f.Time()
		case recReason:
			r.Reason = d.text(&f)
		case recStored:
			r.Stored = readStored(r.At, f.Num(math.MaxUint64))
		case recTo:
			r.To = f.Num(math.MaxUint64)
		case recTrace:
			copy(r.Trace[:], f.Data(len(r.Trace)))
		default:
			d.answer(&r.Answer, &f)
		}
	}
	return r, toCome, f.Err
}

func (d *recordReader) answer(a *transport.Answer, f *wire.Fields) {
	switch f.Field {
	case recClass:
		a.Class = transport.Class(f.Num(math.MaxUint8))
	case recStatus:
		a.Status = int(f.Num(math.MaxInt32))
	case recAnswerReason:
		a.Reason = d.text(f)
	case recDetail:
		a.Detail = f.Text()
	case recRetryAfter:
		a.RetryAfter = f.Duration()
	case recBody:
		a.Body = append([]byte(nil), f.Data(transport.MaxAnswerKept)...)
	case recTook:
		a.Took = f.Duration()
	case recDNS:
		a.DNS = f.Duration()
	case recConnect:
		a.Connect = f.Duration()
	case recTLS:
		a.TLS = f.Duration()
	case recFirstByte:
		a.FirstByte = f.Duration()
	case recResent:
		a.Resent = f.Num(1) == 1
	case recBodySum:
		copy(a.BodySum[:], f.Data(len(a.BodySum)))
	case recEndpointRevision:
		a.Revision = f.Num(math.MaxUint64)
	case recSettings:
		a.Settings = uint32(f.Num(math.MaxUint32))
	}
}

func (d *recordReader) endpoints(r *transport.Record, f *wire.Fields) {
	b := f.Data(16 * fanOutPart)
	if len(b)%16 != 0 {
		f.Fail(wire.ErrShort)
		return
	}
	for ; len(b) > 0; b = b[16:] {
		r.Endpoints = append(r.Endpoints, d.uuid(b[:16], f))
	}
}

func (d *recordReader) text(f *wire.Fields) string {
	b := f.Data(wire.MaxText)
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

func (d *recordReader) uuid(b []byte, f *wire.Fields) string {
	if len(b) != 16 {
		f.Fail(wire.ErrShort)
		return ""
	}
	u := [16]byte(b)
	if s, ok := d.uuids[u]; ok {
		return s
	}
	if len(d.uuids) >= maxKept {
		clear(d.uuids)
	}
	s := wire.WriteUUID(b)
	d.uuids[u] = s
	return s
}
