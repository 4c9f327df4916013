package ledger

import (
	"bytes"
	"strconv"
)

// mark is what Redis keeps of an id's first event.
type mark struct {
	seq uint64
	at  int64 // log time, Unix milliseconds
	log string
}

// before tells whether m's event came before the one at seq and at. It is a
// strict order within a log, and between logs: so of two events at most one
// can be the other's duplicate, and an id's first event always goes out.
func (m mark) before(log string, seq uint64, at int64) bool {
	if m.log == log {
		return m.seq < seq
	}
	return m.at < at
}

func (m mark) encode() []byte {
	b := make([]byte, 0, 36+len(m.log))
	b = strconv.AppendUint(b, m.seq, 10)
	b = strconv.AppendInt(append(b, ' '), m.at, 10)
	return append(append(b, ' '), m.log...)
}

// decodeMark reads a value of Redis; false where it is not one of ours.
func decodeMark(text []byte) (mark, bool) {
	seq, rest, _ := bytes.Cut(text, []byte{' '})
	at, log, found := bytes.Cut(rest, []byte{' '})
	s, err := strconv.ParseUint(string(seq), 10, 64)
	t, err2 := strconv.ParseInt(string(at), 10, 64)
	if !found || err != nil || err2 != nil || s == 0 {
		return mark{}, false
	}
	return mark{seq: s, at: t, log: string(log)}, true
}
