package wire

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
	FormBytes  = 1

	// sizedHead is the room of a length written before its bytes are known.
	sizedHead = 4
	// maxSized is the largest length that sizedHead holds.
	maxSized = 1<<28 - 1
	// MaxText bounds every text but a document.
	MaxText = 4 << 10
)

var (
	// ErrShort says that a record ends before its fields do.
	ErrShort = errors.New("cut off in the middle")
	// ErrLength says that a field claims to be longer than it may be.
	ErrLength = errors.New("a length beyond its limit")
	// ErrForm says that a field is not of its form.
	ErrForm = errors.New("a field in the wrong form")
)

// AppendNumber writes a number.
func AppendNumber(dst []byte, field, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return binary.AppendUvarint(binary.AppendUvarint(dst, field<<1|formNumber), v)
}

// AppendBytes writes bytes.
func AppendBytes(dst []byte, field uint64, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return append(AppendHead(dst, field, len(b)), b...)
}

// AppendHead begins a field of n bytes.
func AppendHead(dst []byte, field uint64, n int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, field<<1|FormBytes), uint64(n))
}

// AppendText cuts at MaxText bytes, never inside a character.
func AppendText(dst []byte, field uint64, s string) []byte {
	if len(s) == 0 {
		return dst
	}
	s = CutText(s, MaxText)
	return append(AppendHead(dst, field, len(s)), s...)
}

// CutText cuts at most bytes, never inside a character.
func CutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// AppendTime writes seconds and nanoseconds: every time.Time has its place,
// which UnixNano alone does not give the years a producer may invent.
func AppendTime(dst []byte, field uint64, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = binary.AppendUvarint(dst, field<<1|FormBytes)
	at := len(dst)
	dst = append(dst, 0)
	dst = binary.AppendVarint(dst, t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	dst[at] = byte(len(dst) - at - 1) // at most 15: one byte is enough
	return dst
}

// AppendEndpoint packs a UUID in its usual writing as 16 bytes.
func AppendEndpoint(dst []byte, packed, text uint64, id string) []byte {
	var u [16]byte
	if !PackUUID(&u, id) {
		return AppendText(dst, text, id)
	}
	return AppendBytes(dst, packed, u[:])
}

// OpenSized leaves room for a length; CloseSized fills it in.
func OpenSized(dst []byte) (out []byte, at int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// CloseSized ends what OpenSized began.
func CloseSized(dst []byte, at int) []byte {
	n := uint32(len(dst) - at - sizedHead)
	dst[at] = byte(n) | 0x80
	dst[at+1] = byte(n>>7) | 0x80
	dst[at+2] = byte(n>>14) | 0x80
	dst[at+3] = byte(n>>21) & 0x7f
	return dst
}

// CutSized takes one sized piece off b.
func CutSized(b []byte) (piece, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	switch {
	case w <= 0:
		return nil, nil, ErrShort
	case n > maxSized:
		return nil, nil, ErrLength
	case n > uint64(len(b)-w):
		return nil, nil, ErrShort
	}
	return b[w : w+int(n)], b[w+int(n):], nil
}

// Fields walks over a row of fields.
type Fields struct {
	Rest   []byte
	Field  uint64
	number uint64
	bytes  []byte
	form   uint64
	Err    error
}

// Next moves on to the next field; false at the end or at an error.
func (f *Fields) Next() bool {
	if f.Err != nil || len(f.Rest) == 0 {
		return false
	}
	head, w := varint(f.Rest)
	if w <= 0 || w == len(f.Rest) {
		f.Err = ErrShort
		return false
	}
	f.Field, f.form = head>>1, head&1
	v, n := varint(f.Rest[w:])
	if n <= 0 {
		f.Err = ErrShort
		return false
	}
	f.number, f.bytes, f.Rest = v, nil, f.Rest[w+n:]
	if f.form == formNumber {
		return true
	}
	if v > uint64(len(f.Rest)) {
		f.Err = ErrShort
		return false
	}
	f.bytes, f.Rest = f.Rest[:v], f.Rest[v:]
	return true
}

// varint is binary.Uvarint with the usual case, one byte, inlined.
func varint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// Fail keeps the first error.
func (f *Fields) Fail(err error) {
	if f.Err == nil {
		f.Err = err
	}
}

// Num is a number of at most the given value.
func (f *Fields) Num(most uint64) uint64 {
	if f.form != formNumber {
		f.Fail(ErrForm)
	} else if f.number > most {
		f.Fail(ErrLength)
	}
	if f.Err != nil {
		return 0
	}
	return f.number
}

// Data is the field's bytes, at most so many.
func (f *Fields) Data(most int) []byte {
	if f.form != FormBytes {
		f.Fail(ErrForm)
	} else if len(f.bytes) > most {
		f.Fail(ErrLength)
	}
	if f.Err != nil {
		return nil
	}
	return f.bytes
}

// Text is the field's text.
func (f *Fields) Text() string { return string(f.Data(MaxText)) }

// Time is the field's time.
func (f *Fields) Time() time.Time {
	b := f.Data(2 * binary.MaxVarintLen64)
	sec, w := binary.Varint(b)
	if w <= 0 {
		f.Fail(ErrShort)
		return time.Time{}
	}
	nsec, n := binary.Uvarint(b[w:])
	if n <= 0 || w+n != len(b) {
		f.Fail(ErrShort)
		return time.Time{}
	}
	if nsec >= uint64(time.Second) {
		f.Fail(ErrLength)
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// Duration is the field's duration.
func (f *Fields) Duration() time.Duration { return time.Duration(f.Num(1<<63 - 1)) }

// UUID is what AppendEndpoint packed.
func (f *Fields) UUID() string {
	b := f.Data(16)
	if len(b) != 16 {
		f.Fail(ErrShort)
		return ""
	}
	return WriteUUID(b)
}

const hexDigits = "0123456789abcdef"

// PackUUID reads 8-4-4-4-12 lower-case hex; no other writing would come back
// as it was.
func PackUUID(u *[16]byte, s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i, at := 0, 0; i < 16; i, at = i+1, at+2 {
		if s[at] == '-' {
			at++
		}
		hi, lo := Unhex(s[at]), Unhex(s[at+1])
		if hi > 15 || lo > 15 {
			return false
		}
		u[i] = hi<<4 | lo
	}
	return true
}

// Unhex is the value of a hexadecimal digit.
func Unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// WriteUUID is a UUID in its usual writing.
func WriteUUID(u []byte) string {
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

// NonNegative is d, or 0 where it is less.
func NonNegative(d time.Duration) uint64 { return uint64(max(d, 0)) }

// MaxDocument bounds one event's data: what HTTP and the runs may bring.
const MaxDocument = 64 << 20

// MaxTries bounds an entry's attempts: a schedule's, with room for more.
const MaxTries = 8 * transport.MaxSchedule
