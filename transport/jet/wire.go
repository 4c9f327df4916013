package jet

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
)

// What Postrider writes for itself is a row of fields: an unsigned varint
// number<<1|form, then by its form a varint or a length and that many bytes.
// A reader steps over numbers it does not know, so that an older node can
// read what a newer one wrote. Zero values are left out.
const (
	formNumber = 0
	formBytes  = 1

	// sizedHead is the room of a length written before its bytes are known.
	sizedHead = 4
	// maxSized is the largest length that sizedHead holds.
	maxSized = 1<<28 - 1
	// maxText bounds every text but a document.
	maxText = 4 << 10
)

var (
	errShort  = errors.New("cut off in the middle")
	errLength = errors.New("a length beyond its limit")
	errForm   = errors.New("a field in the wrong form")
)

func appendNumber(dst []byte, field, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return binary.AppendUvarint(binary.AppendUvarint(dst, field<<1|formNumber), v)
}

func appendBytes(dst []byte, field uint64, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return append(appendHead(dst, field, len(b)), b...)
}

// appendHead begins a field of n bytes.
func appendHead(dst []byte, field uint64, n int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, field<<1|formBytes), uint64(n))
}

// appendText cuts at maxText bytes, never inside a character.
func appendText(dst []byte, field uint64, s string) []byte {
	if len(s) == 0 {
		return dst
	}
	s = cutText(s, maxText)
	return append(appendHead(dst, field, len(s)), s...)
}

func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// appendTime writes seconds and nanoseconds: every time.Time has its place,
// which UnixNano alone does not give the years a producer may invent.
func appendTime(dst []byte, field uint64, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = binary.AppendUvarint(dst, field<<1|formBytes)
	at := len(dst)
	dst = append(dst, 0)
	dst = binary.AppendVarint(dst, t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	dst[at] = byte(len(dst) - at - 1) // at most 15: one byte is enough
	return dst
}

// appendEndpoint packs a UUID in its usual writing as 16 bytes.
func appendEndpoint(dst []byte, packed, text uint64, id string) []byte {
	var u [16]byte
	if !packUUID(&u, id) {
		return appendText(dst, text, id)
	}
	return appendBytes(dst, packed, u[:])
}

// openSized leaves room for a length; closeSized fills it in.
func openSized(dst []byte) (out []byte, at int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

func closeSized(dst []byte, at int) []byte {
	n := uint32(len(dst) - at - sizedHead)
	dst[at] = byte(n) | 0x80
	dst[at+1] = byte(n>>7) | 0x80
	dst[at+2] = byte(n>>14) | 0x80
	dst[at+3] = byte(n>>21) & 0x7f
	return dst
}

// cutSized takes one sized piece off b.
func cutSized(b []byte) (piece, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	switch {
	case w <= 0:
		return nil, nil, errShort
	case n > maxSized:
		return nil, nil, errLength
	case n > uint64(len(b)-w):
		return nil, nil, errShort
	}
	return b[w : w+int(n)], b[w+int(n):], nil
}

// fields walks over a row of fields.
type fields struct {
	rest   []byte
	field  uint64
	number uint64
	bytes  []byte
	form   uint64
	err    error
}

// next moves on to the next field; false at the end or at an error.
func (f *fields) next() bool {
	if f.err != nil || len(f.rest) == 0 {
		return false
	}
	head, w := varint(f.rest)
	if w <= 0 || w == len(f.rest) {
		f.err = errShort
		return false
	}
	f.field, f.form = head>>1, head&1
	v, n := varint(f.rest[w:])
	if n <= 0 {
		f.err = errShort
		return false
	}
	f.number, f.bytes, f.rest = v, nil, f.rest[w+n:]
	if f.form == formNumber {
		return true
	}
	if v > uint64(len(f.rest)) {
		f.err = errShort
		return false
	}
	f.bytes, f.rest = f.rest[:v], f.rest[v:]
	return true
}

// varint is binary.Uvarint with the usual case, one byte, inlined.
func varint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// num is a number of at most the given value.
func (f *fields) num(most uint64) uint64 {
	if f.form != formNumber {
		f.fail(errForm)
	} else if f.number > most {
		f.fail(errLength)
	}
	if f.err != nil {
		return 0
	}
	return f.number
}

func (f *fields) data(most int) []byte {
	if f.form != formBytes {
		f.fail(errForm)
	} else if len(f.bytes) > most {
		f.fail(errLength)
	}
	if f.err != nil {
		return nil
	}
	return f.bytes
}

func (f *fields) text() string { return string(f.data(maxText)) }

func (f *fields) time() time.Time {
	b := f.data(2 * binary.MaxVarintLen64)
	sec, w := binary.Varint(b)
	if w <= 0 {
		f.fail(errShort)
		return time.Time{}
	}
	nsec, n := binary.Uvarint(b[w:])
	if n <= 0 || w+n != len(b) {
		f.fail(errShort)
		return time.Time{}
	}
	if nsec >= uint64(time.Second) {
		f.fail(errLength)
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (f *fields) duration() time.Duration { return time.Duration(f.num(1<<63 - 1)) }

// uuid is what appendEndpoint packed.
func (f *fields) uuid() string {
	b := f.data(16)
	if len(b) != 16 {
		f.fail(errShort)
		return ""
	}
	return writeUUID(b)
}

const hexDigits = "0123456789abcdef"

// packUUID reads 8-4-4-4-12 lower-case hex; no other writing would come back
// as it was.
func packUUID(u *[16]byte, s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i, at := 0, 0; i < 16; i, at = i+1, at+2 {
		if s[at] == '-' {
			at++
		}
		hi, lo := unhex(s[at]), unhex(s[at+1])
		if hi > 15 || lo > 15 {
			return false
		}
		u[i] = hi<<4 | lo
	}
	return true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

func writeUUID(u []byte) string {
	var b [36]byte
	at := 0
	for i, v := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[at] = '-'
			at++
		}
		b[at], b[at+1] = hexDigits[v>>4], hexDigits[v&15]
		at += 2
	}
	return string(b[:])
}

func nonNegative(d time.Duration) uint64 { return uint64(max(d, 0)) }

// maxDocument bounds one event's data: what HTTP and the runs may bring.
const maxDocument = 64 << 20

// maxTries bounds an entry's attempts: a schedule's, with room for more.
const maxTries = 8 * transport.MaxSchedule
