package jet

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

// A segment message is a version byte, a sized preamble (customer, endpoint,
// due: when it comes back) and the entries, each with its length before it.
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

func appendPreamble(dst []byte, customer, endpoint string, due time.Time) []byte {
	dst, at := openSized(append(dst, segmentVersion))
	dst = appendText(dst, segCustomer, customer)
	dst = appendEndpoint(dst, segEndpointPacked, segEndpoint, endpoint)
	dst = appendTime(dst, segDue, due)
	return closeSized(dst, at)
}

// appendEntry appends e with its length. The event's customer is the
// segment's. Where the event has an object, its data stays there.
func appendEntry(dst []byte, e *transport.Entry) []byte {
	dst, at := openSized(dst)
	ev := e.Event
	dst = appendNumber(dst, entSeq, ev.Seq)
	dst = appendText(dst, entID, ev.ID)
	if ev.IDGiven {
		dst = appendNumber(dst, entIDGiven, 1)
	}
	dst = appendText(dst, entType, ev.Type)
	dst = appendNumber(dst, entDuplicateOf, ev.DuplicateOf)
	dst = appendText(dst, entSource, ev.Source)
	if ev.Cloud != nil {
		dst = appendBytes(dst, entCloud, compactJSON(ev.Cloud))
	}
	dst = appendTime(dst, entTime, ev.Time)
	dst = appendTime(dst, entStored, ev.Stored)
	dst = appendText(dst, entTraceparent, ev.Traceparent)
	dst = appendText(dst, entObject, ev.Object)
	dst = appendNumber(dst, entReplay, e.Replay)
	dst = appendNumber(dst, entHop, uint64(e.Hop))
	dst = appendTime(dst, entDue, e.Due)
	for i := range e.Tries[max(0, len(e.Tries)-maxTries):] {
		dst = appendTry(dst, &e.Tries[max(0, len(e.Tries)-maxTries)+i])
	}
	if ev.Object == "" {
		dst = appendBytes(dst, entData, ev.Data)
	}
	return closeSized(dst, at)
}

func appendTry(dst []byte, t *transport.Try) []byte {
	dst = append(dst, entTry<<1|formBytes)
	dst, at := openSized(dst)
	dst = appendTime(dst, tryAt, t.At)
	dst = appendNumber(dst, tryTook, nonNegative(t.Took))
	dst = appendNumber(dst, tryStatus, uint64(max(t.Status, 0)))
	dst = appendNumber(dst, tryClass, uint64(t.Class))
	dst = appendText(dst, tryReason, t.Reason)
	return closeSized(dst, at)
}

// segmentWake reads when a segment message was to come back.
func segmentWake(msg []byte) (wake time.Time, err error) {
	head, _, err := cutPreamble(msg)
	if err != nil {
		return time.Time{}, err
	}
	f := fields{rest: head}
	for f.next() {
		if f.field == segDue {
			wake = f.time()
		}
	}
	return wake, f.err
}

func cutPreamble(msg []byte) (head, rest []byte, err error) {
	if len(msg) == 0 || msg[0] != segmentVersion {
		return nil, nil, fmt.Errorf("parked segment: not version %d; written by a newer Postrider?", segmentVersion)
	}
	if head, rest, err = cutSized(msg[1:]); err != nil {
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
	f := fields{rest: head}
	for f.next() {
		switch f.field {
		case segCustomer:
			seg.Customer = f.text()
		case segEndpointPacked:
			seg.Endpoint = f.uuid()
		case segEndpoint:
			seg.Endpoint = f.text()
		}
	}
	if f.err != nil {
		return nil, fmt.Errorf("parked segment: %w", f.err)
	}
	for len(rest) > 0 {
		var piece []byte
		if piece, rest, err = cutSized(rest); err != nil {
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
	ev := &transport.Event{Customer: customer}
	e := transport.Entry{Event: ev}
	f := fields{rest: b}
	for f.next() {
		switch f.field {
		case entReplay:
			e.Replay = f.num(math.MaxUint64)
		case entHop:
			e.Hop = uint32(f.num(math.MaxUint32))
		case entDue:
			e.Due = f.time()
		case entTry:
			if len(e.Tries) == maxTries {
				f.fail(errLength)
				break
			}
			e.Tries = append(e.Tries, decodeTry(&f))
		default:
			decodeEvent(ev, &f)
		}
	}
	return e, f.err
}

func decodeEvent(ev *transport.Event, f *fields) {
	switch f.field {
	case entSeq:
		ev.Seq = f.num(math.MaxUint64)
	case entID:
		ev.ID = f.text()
	case entIDGiven:
		ev.IDGiven = f.num(1) == 1
	case entType:
		ev.Type = f.text()
	case entDuplicateOf:
		ev.DuplicateOf = f.num(math.MaxUint64)
	case entSource:
		ev.Source = f.text()
	case entCloud:
		ev.Cloud = &cloudevents.Attributes{}
		if err := json.Unmarshal(f.data(maxCloud), ev.Cloud); err != nil {
			f.fail(errForm)
		}
	case entTime:
		ev.Time = f.time()
	case entStored:
		ev.Stored = f.time()
	case entTraceparent:
		ev.Traceparent = f.text()
	case entData:
		ev.Data = f.data(maxDocument)
	case entObject:
		ev.Object = f.text()
	}
}

func decodeTry(outer *fields) transport.Try {
	var t transport.Try
	f := fields{rest: outer.data(maxText + 256)}
	for f.next() {
		switch f.field {
		case tryAt:
			t.At = f.time()
		case tryTook:
			t.Took = f.duration()
		case tryStatus:
			t.Status = int(f.num(math.MaxInt32))
		case tryClass:
			t.Class = transport.Class(f.num(math.MaxUint8))
		case tryReason:
			t.Reason = f.text()
		}
	}
	if f.err != nil {
		outer.fail(f.err)
	}
	return t
}
