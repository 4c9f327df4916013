package transport

import "encoding/hex"

// TraceID is a W3C trace id; the zero value is none.
type TraceID [16]byte

// TraceOf takes the trace id out of a traceparent
// (https://www.w3.org/TR/trace-context/: 00-<32 hex>-<16 hex>-<2 hex>); zero
// where it is none.
func TraceOf(traceparent string) (id TraceID) {
	if len(traceparent) < 55 || traceparent[2] != '-' || traceparent[35] != '-' {
		return TraceID{}
	}
	for i := range id {
		high, low := hexDigit(traceparent[3+2*i]), hexDigit(traceparent[4+2*i])
		if high < 0 || low < 0 {
			return TraceID{}
		}
		id[i] = byte(high<<4 | low)
	}
	return id
}

// Sampled tells whether a traceparent says that its trace is kept.
func Sampled(traceparent string) bool {
	if TraceOf(traceparent) == (TraceID{}) {
		return false
	}
	high, low := hexDigit(traceparent[53]), hexDigit(traceparent[54])
	return high >= 0 && low >= 0 && low&1 == 1
}

// hexDigit is the value of a lower-case digit, as the standard writes them; -1
// for all else.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// String is its 32 hexadecimal digits, or empty.
func (id TraceID) String() string {
	if id == (TraceID{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}
