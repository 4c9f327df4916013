package deferred

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/wire"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

// A segment message is a version byte, a sized preamble (customer, endpoint,
// due: when it comes back) and the entries, each with its length before it: with
// its event, or (referencesVersion) with a reference to it.
const segmentVersion = 1

const (
	segCustomer = iota + 1
	segEndpointPacked
	segEndpoint
	segDue
)

const (
	entSeq = iota + 1
	entID
	entIDGiven
	entType
	entDuplicateOf
	entSource
	entTime
	entStored
	entTraceparent
	entData
	entObject
	entReplay
	entHop
	entDue
	entTry   // sized fields of a try; repeated, oldest first
	entCloud // a CloudEvent's attributes, as JSON
)

// maxCloud bounds a CloudEvent's attributes: five texts and its extensions,
// written with escapes.
const maxCloud = 256 << 10

const (
	tryAt = iota + 1
	tryTook
	tryStatus
	tryClass
	tryReason
)

func appendPreamble(dst []byte, version byte, customer, endpoint string, due time.Time) []byte {
	dst, at := wire.OpenSized(append(dst, version))
	dst = wire.AppendText(dst, segCustomer, customer)
	dst = wire.AppendEndpoint(dst, segEndpointPacked, segEndpoint, endpoint)
	dst = wire.AppendTime(dst, segDue, due)
	return wire.CloseSized(dst, at)
}

// appendEntry appends e with its length. The event's customer is the
// segment's. Where the event has an object, its data stays there.
func appendEntry(dst []byte, e *transport.Entry) []byte {
	dst, at := wire.OpenSized(dst)
	ev := e.Event
	dst = wire.AppendNumber(dst, entSeq, ev.Seq)
	dst = wire.AppendText(dst, entID, ev.ID)
	if ev.IDGiven {
		dst = wire.AppendNumber(dst, entIDGiven, 1)
	}
	dst = wire.AppendText(dst, entType, ev.Type)
	dst = wire.AppendNumber(dst, entDuplicateOf, ev.DuplicateOf)
	dst = wire.AppendText(dst, entSource, ev.Source)
	if ev.Cloud != nil {
		dst = wire.AppendBytes(dst, entCloud, jet.CompactJSON(ev.Cloud))
	}
	dst = wire.AppendTime(dst, entTime, ev.Time)
	dst = wire.AppendTime(dst, entStored, ev.Stored)
	dst = wire.AppendText(dst, entTraceparent, ev.Traceparent)
	dst = wire.AppendText(dst, entObject, ev.Object)
	dst = wire.AppendNumber(dst, entReplay, e.Replay)
	dst = wire.AppendNumber(dst, entHop, uint64(e.Hop))
	dst = wire.AppendTime(dst, entDue, e.Due)
	dst = appendTries(dst, entTry, e.Tries)
	if ev.Object == "" {
		dst = wire.AppendBytes(dst, entData, ev.Data)
	}
	return wire.CloseSized(dst, at)
}

// appendTries appends the last ones, oldest first.
func appendTries(dst []byte, field byte, tries []transport.Try) []byte {
	tries = tries[max(0, len(tries)-wire.MaxTries):]
	for i := range tries {
		dst = appendTry(dst, field, &tries[i])
	}
	return dst
}

func appendTry(dst []byte, field byte, t *transport.Try) []byte {
	dst = append(dst, field<<1|wire.FormBytes)
	dst, at := wire.OpenSized(dst)
	dst = wire.AppendTime(dst, tryAt, t.At)
	dst = wire.AppendNumber(dst, tryTook, wire.NonNegative(t.Took))
	dst = wire.AppendNumber(dst, tryStatus, uint64(max(t.Status, 0)))
	dst = wire.AppendNumber(dst, tryClass, uint64(t.Class))
	dst = wire.AppendText(dst, tryReason, t.Reason)
	return wire.CloseSized(dst, at)
}

// segmentWake reads when a segment message was to come back.
func segmentWake(msg []byte) (wake time.Time, err error) {
	head, _, err := cutPreamble(msg)
	if err != nil {
		return time.Time{}, err
	}
	f := wire.Fields{Rest: head}
	for f.Next() {
		if f.Field == segDue {
			wake = f.Time()
		}
	}
	return wake, f.Err
}

func cutPreamble(msg []byte) (head, rest []byte, err error) {
	if len(msg) == 0 || msg[0] != segmentVersion && msg[0] != referencesVersion {
		return nil, nil, fmt.Errorf("parked segment: neither version %d nor %d; written by a newer Postrider?", segmentVersion, referencesVersion)
	}
	if head, rest, err = wire.CutSized(msg[1:]); err != nil {
		return nil, nil, fmt.Errorf("parked segment: %w", err)
	}
	return head, rest, nil
}

// decodeSegment reads a segment message. The events' Data are parts of msg.
// Seq and ID are left to the caller, as is the data that lies in an object.
func decodeSegment(msg []byte) (*transport.Segment, error) {
	head, rest, err := cutPreamble(msg)
	if err != nil {
		return nil, err
	}
	seg := &transport.Segment{}
	f := wire.Fields{Rest: head}
	for f.Next() {
		switch f.Field {
		case segCustomer:
			seg.Customer = f.Text()
		case segEndpointPacked:
			seg.Endpoint = f.UUID()
		case segEndpoint:
			seg.Endpoint = f.Text()
		}
	}
	if f.Err != nil {
		return nil, fmt.Errorf("parked segment: %w", f.Err)
	}
	if msg[0] == referencesVersion {
		seg.Entries, err = decodeReferences(rest, seg.Customer)
		return seg, err
	}
	for len(rest) > 0 {
		var piece []byte
		if piece, rest, err = wire.CutSized(rest); err != nil {
			return nil, fmt.Errorf("parked segment: %w", err)
		}
		if len(seg.Entries) == transport.MaxSegmentEntries {
			return nil, fmt.Errorf("parked segment: more than %d entries", transport.MaxSegmentEntries)
		}
		e, err := decodeEntry(piece, seg.Customer)
		if err != nil {
			return nil, fmt.Errorf("parked entry: %w", err)
		}
		seg.Entries = append(seg.Entries, e)
	}
	return seg, nil
}

// decodeEntry reads one entry without its length.
func decodeEntry(b []byte, customer string) (transport.Entry, error) {
	ev := &transport.Event{Customer: customer, Apart: true}
	e := transport.Entry{Event: ev}
	f := wire.Fields{Rest: b}
	for f.Next() {
		switch f.Field {
		case entReplay:
			e.Replay = f.Num(math.MaxUint64)
		case entHop:
			e.Hop = uint32(f.Num(math.MaxUint32))
		case entDue:
			e.Due = f.Time()
		case entTry:
			e.Tries = decodeAnotherTry(e.Tries, &f)
		default:
			decodeEvent(ev, &f)
		}
	}
	return e, f.Err
}

func decodeEvent(ev *transport.Event, f *wire.Fields) {
	switch f.Field {
	case entSeq:
		ev.Seq = f.Num(math.MaxUint64)
	case entID:
		ev.ID = f.Text()
	case entIDGiven:
		ev.IDGiven = f.Num(1) == 1
	case entType:
		ev.Type = f.Text()
	case entDuplicateOf:
		ev.DuplicateOf = f.Num(math.MaxUint64)
	case entSource:
		ev.Source = f.Text()
	case entCloud:
		ev.Cloud = &cloudevents.Attributes{}
		if err := json.Unmarshal(f.Data(maxCloud), ev.Cloud); err != nil {
			f.Fail(wire.ErrForm)
		}
	case entTime:
		ev.Time = f.Time()
	case entStored:
		ev.Stored = f.Time()
	case entTraceparent:
		ev.Traceparent = f.Text()
	case entData:
		ev.Data = f.Data(wire.MaxDocument)
	case entObject:
		ev.Object = f.Text()
	}
}

func decodeAnotherTry(tries []transport.Try, f *wire.Fields) []transport.Try {
	if len(tries) == wire.MaxTries {
		f.Fail(wire.ErrLength)
		return tries
	}
	return append(tries, decodeTry(f))
}

func decodeTry(outer *wire.Fields) transport.Try {
	var t transport.Try
	f := wire.Fields{Rest: outer.Data(wire.MaxText + 256)}
	for f.Next() {
		switch f.Field {
		case tryAt:
			t.At = f.Time()
		case tryTook:
			t.Took = f.Duration()
		case tryStatus:
			t.Status = int(f.Num(math.MaxInt32))
		case tryClass:
			t.Class = transport.Class(f.Num(math.MaxUint8))
		case tryReason:
			t.Reason = f.Text()
		}
	}
	if f.Err != nil {
		outer.Fail(f.Err)
	}
	return t
}
