package trace

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/postrider/postrider/transport"
)

// spanContext is a W3C trace context: version 00.
type spanContext struct {
	trace   [16]byte
	span    [8]byte
	sampled bool
}

// parse reads a traceparent of any version that begins as version 00 does; ok
// is false for one that is none, or is all zeros.
func parse(traceparent string) (c spanContext, ok bool) {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || parts[0] == "ff" {
		return c, false
	}
	flags := make([]byte, 1)
	for i, into := range [][]byte{c.trace[:], c.span[:], flags} {
		if _, err := hex.Decode(into, []byte(parts[i+1])); err != nil {
			return c, false
		}
	}
	c.sampled = flags[0]&1 == 1
	return c, c.trace != [16]byte{} && c.span != [8]byte{}
}

func (c spanContext) String() string {
	flags := "-00"
	if c.sampled {
		flags = "-01"
	}
	return "00-" + hex.EncodeToString(c.trace[:]) + "-" + hex.EncodeToString(c.span[:]) + flags
}

// made is the context of an event that came without one: always the same for
// the same event. Its span is the event's own first one.
func made(ev *transport.Event) spanContext {
	sum := sha256.Sum256([]byte("trace\x00" + ev.Customer + "\x00" + ev.ID + "\x00" + strconv.FormatUint(ev.Seq, 10)))
	c := spanContext{sampled: true}
	copy(c.trace[:], sum[:16])
	copy(c.span[:], sum[16:24])
	return c
}

// chosen tells whether a trace is among the share that is sampled. All who
// sample by the trace's id choose alike.
func chosen(id [16]byte, share float64) bool {
	return share >= 1 || float64(binary.BigEndian.Uint64(id[8:])>>11) < share*math.Exp2(53)
}

// first is the span from the log to the endpoints, and the one that it follows
// (zero: none): of a producer's trace a span after the producer's.
func first(ev *transport.Event, given spanContext) (own, parent [8]byte) {
	if given == made(ev) {
		return given.span, [8]byte{}
	}
	sum := sha256.Sum256([]byte("span\x00" + given.String() + "\x00" + strconv.FormatUint(ev.Seq, 10)))
	copy(own[:], sum[:8])
	return own, given.span
}

func newSpan() (id [8]byte) {
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return id
}
