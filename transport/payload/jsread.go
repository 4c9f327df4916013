package payload

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/postrider/postrider/syntax/jsontext"
)

// maxDepth is the nesting that is followed, encoding/json's own limit.
const maxDepth = 10000

// maxSafe is the largest integer up to which JavaScript tells all apart, and one more.
const maxSafe = 1 << 53

// reader reads the tokens of one JSON document (RFC 8259).
type reader struct {
	doc []byte
	pos int
}

func (r *reader) fault(what string) error {
	return fmt.Errorf("the document is not valid JSON: %s at byte %d; publish valid JSON", what, r.pos)
}

// next skips white space and gives the byte that follows, 0 at the end.
func (r *reader) next() byte {
	for ; r.pos < len(r.doc); r.pos++ {
		switch b := r.doc[r.pos]; b {
		case ' ', '\t', '\n', '\r':
		case 0:
			return 0xff // a NUL is no end
		default:
			return b
		}
	}
	return 0
}

func (r *reader) word(dst []byte) ([]byte, error) {
	for _, w := range [...]string{"true", "false", "null"} {
		if rest := r.doc[r.pos:]; len(rest) >= len(w) && string(rest[:len(w)]) == w {
			r.pos += len(w)
			return append(dst, w...), nil
		}
	}
	if r.pos == len(r.doc) {
		return dst, r.fault("the end")
	}
	return dst, r.fault("no value")
}

// text reads a string, whose opening quote is next, and appends it with quotes.
func (r *reader) text(dst []byte) ([]byte, error) {
	dst = append(dst, '"')
	r.pos++
	for r.pos < len(r.doc) {
		run := r.pos
		for r.pos < len(r.doc) && plain[r.doc[r.pos]] {
			r.pos++
		}
		dst = append(dst, r.doc[run:r.pos]...)
		if r.pos == len(r.doc) {
			break
		}
		switch b := r.doc[r.pos]; {
		case b == '"':
			r.pos++
			return append(dst, '"'), nil
		case b == '\\':
			c, ok := r.escape()
			if !ok {
				return dst, r.fault("an unknown escape")
			}
			dst = appendRune(dst, c)
		case b < ' ':
			return dst, r.fault("a control character in a string")
		default:
			c, n := utf8.DecodeRune(r.doc[r.pos:])
			r.pos += n
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst, r.fault("a string without end")
}

// plain are the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for b := ' '; b < utf8.RuneSelf; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// escape reads a backslash and what belongs to it; a pair of surrogates is one
// character, a surrogate alone is given as it is.
func (r *reader) escape() (rune, bool) {
	if r.pos+1 >= len(r.doc) {
		return 0, false
	}
	b := r.doc[r.pos+1]
	if b == 'u' {
		first, ok := r.hex(r.pos)
		if !ok {
			return 0, false
		}
		r.pos += 6
		if second, ok := r.hex(r.pos); ok {
			if c := utf16.DecodeRune(first, second); c != utf8.RuneError {
				r.pos += 6
				return c, true
			}
		}
		return first, true
	}
	r.pos += 2
	switch b {
	case '"', '\\', '/':
		return rune(b), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// hex reads the \uXXXX at i without moving.
func (r *reader) hex(i int) (rune, bool) {
	if i+6 > len(r.doc) || r.doc[i] != '\\' || r.doc[i+1] != 'u' {
		return 0, false
	}
	var c rune
	for _, b := range r.doc[i+2 : i+6] {
		switch {
		case b >= '0' && b <= '9':
			c = c<<4 | rune(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			c = c<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return c, true
}

// number reads a number and appends it in JavaScript's form.
func (r *reader) number(dst []byte) ([]byte, error) {
	start := r.pos
	r.accept('-')
	if !r.accept('0') && !r.digits() {
		return dst, r.fault("a number without digits")
	}
	integer := true
	if r.accept('.') {
		integer = false
		if !r.digits() {
			return dst, r.fault("a number without digits behind its point")
		}
	}
	if r.accept('e') || r.accept('E') {
		integer = false
		_ = r.accept('+') || r.accept('-')
		if !r.digits() {
			return dst, r.fault("a number without digits in its exponent")
		}
	}
	return appendNumber(dst, r.doc[start:r.pos], integer), nil
}

func (r *reader) accept(b byte) bool {
	if r.pos < len(r.doc) && r.doc[r.pos] == b {
		r.pos++
		return true
	}
	return false
}

func (r *reader) digits() bool {
	start := r.pos
	for r.pos < len(r.doc) && r.doc[r.pos] >= '0' && r.doc[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

func appendNumber(dst, literal []byte, integer bool) []byte {
	if integer {
		n, err := strconv.ParseInt(string(literal), 10, 64)
		if err != nil || n > maxSafe || n < -maxSafe {
			dst = append(append(dst, '"'), literal...)
			return append(dst, '"')
		}
		return strconv.AppendInt(dst, n, 10)
	}
	return appendFloat(dst, jsontext.Float(literal))
}
