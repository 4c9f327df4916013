package deferred

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/wire"
)

// A message of references has in place of each event where it stands in the log:
// its sequence and when it was stored, each as the distance from the entry before
// it. What is fresh takes some 15 bytes.
const referencesVersion = 2

const (
	refSeq    = iota + 1 // signed distance; none: the one before it
	refStored            // the same, in nanoseconds
	refSize
	refReplay
	refHop
	refDue
	refTry // as entTry
)

const (
	// referenceRoom is what most references take.
	referenceRoom = 24
	// mostReferences bounds what is read of one message.
	mostReferences = 1 << 16
)

// encodeReference writes what does not depend on the entry before it.
func encodeReference(e *transport.Entry) []byte {
	dst := make([]byte, 0, 16+64*len(e.Tries))
	dst = wire.AppendNumber(dst, refSize, uint64(e.Event.Size()))
	dst = wire.AppendNumber(dst, refReplay, e.Replay)
	dst = wire.AppendNumber(dst, refHop, uint64(e.Hop))
	dst = wire.AppendTime(dst, refDue, e.Due)
	return appendTries(dst, refTry, e.Tries)
}

// appendReferences appends those of items, in that order.
func appendReferences(dst []byte, items []item, order []int) []byte {
	var last place
	for _, i := range order {
		at := place{items[i].Seq, items[i].stored}
		dst = last.append(dst, at, items[i].encoded)
		last = at
	}
	return dst
}

// place is where an event stands in the log, and when it was stored in Unix
// nanoseconds; 0: that is not known.
type place struct {
	seq    uint64
	stored int64
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// append writes the reference to what stands at the place at, after that to p.
func (p place) append(dst []byte, at place, rest []byte) []byte {
	var head [2 * (binary.MaxVarintLen64 + 1)]byte
	b := wire.AppendNumber(head[:0], refSeq, zigzag(int64(at.seq-p.seq)))
	b = wire.AppendNumber(b, refStored, zigzag(at.stored-p.stored))
	dst = binary.AppendUvarint(dst, uint64(len(b)+len(rest)))
	return append(append(dst, b...), rest...)
}

func zigzag(n int64) uint64   { return uint64(n)<<1 ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

// decodeReferences reads all that is left of a message.
func decodeReferences(rest []byte, customer string) (entries []transport.Entry, err error) {
	var last place
	for len(rest) > 0 {
		var piece []byte
		if piece, rest, err = wire.CutSized(rest); err != nil {
			return nil, fmt.Errorf("parked segment: %w", err)
		}
		if len(entries) == mostReferences {
			return nil, fmt.Errorf("parked segment: more than %d references", mostReferences)
		}
		e, err := last.decode(piece)
		if err != nil {
			return nil, fmt.Errorf("parked reference: %w", err)
		}
		e.Event.Customer = customer
		entries = append(entries, e)
	}
	return entries, nil
}

// decode reads one reference, and goes on to its place.
func (p *place) decode(b []byte) (transport.Entry, error) {
	ev := &transport.Event{}
	e := transport.Entry{Event: ev, Refers: true}
	f := wire.Fields{Rest: b}
	for f.Next() {
		switch f.Field {
		case refSeq:
			p.seq += uint64(unzigzag(f.Num(math.MaxUint64)))
		case refStored:
			p.stored += unzigzag(f.Num(math.MaxUint64))
		case refSize:
			e.Size = int(f.Num(math.MaxInt32))
		case refReplay:
			e.Replay = f.Num(math.MaxUint64)
		case refHop:
			e.Hop = uint32(f.Num(math.MaxUint32))
		case refDue:
			e.Due = f.Time()
		case refTry:
			e.Tries = decodeAnotherTry(e.Tries, &f)
		}
	}
	if ev.Seq = p.seq; p.stored != 0 {
		ev.Stored = time.Unix(0, p.stored).UTC()
	}
	return e, f.Err
}
