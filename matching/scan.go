package matching

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is the nesting that is followed.
const maxDepth = 1000

// scanner reads the tokens of one JSON document (RFC 8259). Its strings are
// parts of doc where no escape stands in the way.
type scanner struct {
	doc string
	pos int
}

func (s *scanner) fault(what string) error {
	return wrong("detection", "", fmt.Sprintf("is not valid JSON: %s at byte %d; publish one JSON object", what, s.pos))
}

// next skips white space and gives the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for ; s.pos < len(s.doc); s.pos++ {
		switch b := s.doc[s.pos]; b {
		case ' ', '\t', '\n', '\r':
		case 0:
			return 0xff // a NUL is no end
		default:
			return b
		}
	}
	return 0
}

// take reads the byte b, which must be next.
func (s *scanner) take(b byte) error {
	if s.next() != b {
		return s.fault("no " + strconv.QuoteRune(rune(b)))
	}
	s.pos++
	return nil
}

// more tells, behind a value of an object or array, whether another follows;
// the closing byte is read.
func (s *scanner) more(closing byte) (bool, error) {
	switch s.next() {
	case ',':
		s.pos++
		return true, nil
	case closing:
		s.pos++
		return false, nil
	}
	return false, s.fault("no comma or " + strconv.QuoteRune(rune(closing)))
}

// empty reads the closing byte if nothing stands before it.
func (s *scanner) empty(closing byte) bool {
	if s.next() != closing {
		return false
	}
	s.pos++
	return true
}

// text reads a string.
func (s *scanner) text() (string, error) {
	if err := s.take('"'); err != nil {
		return "", err
	}
	start := s.pos
	for s.pos < len(s.doc) {
		switch b := s.doc[s.pos]; {
		case b == '"':
			s.pos++
			return s.doc[start : s.pos-1], nil
		case b == '\\':
			return s.escaped(start)
		case b < ' ':
			return "", s.fault("a control character in a string")
		}
		s.pos++
	}
	return "", s.fault("a string without its end")
}

// escaped reads the rest of a string from its first escape on.
func (s *scanner) escaped(start int) (string, error) {
	var out strings.Builder
	out.WriteString(s.doc[start:s.pos])
	for s.pos < len(s.doc) {
		switch b := s.doc[s.pos]; {
		case b == '"':
			s.pos++
			return out.String(), nil
		case b == '\\':
			r, ok := s.escape()
			if !ok {
				return "", s.fault("an unknown escape")
			}
			out.WriteRune(r)
		case b < ' ':
			return "", s.fault("a control character in a string")
		default:
			out.WriteByte(b)
			s.pos++
		}
	}
	return "", s.fault("a string without its end")
}

// escape reads one escape, or two that are a surrogate pair; half a pair is U+FFFD.
func (s *scanner) escape() (rune, bool) {
	if s.pos+1 >= len(s.doc) {
		return 0, false
	}
	c := s.doc[s.pos+1]
	if c == 'u' {
		r, ok := s.unit()
		if ok && utf16.IsSurrogate(r) {
			back := s.pos
			if low, paired := s.unit(); paired {
				if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
					return whole, true
				}
			}
			s.pos = back
			return utf8.RuneError, true
		}
		return r, ok
	}
	s.pos += 2
	switch c {
	case '"', '\\', '/':
		return rune(c), true
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

// unit reads one \uXXXX.
func (s *scanner) unit() (rune, bool) {
	if !strings.HasPrefix(s.doc[s.pos:], `\u`) || len(s.doc) < s.pos+6 {
		return 0, false
	}
	var r rune
	for _, b := range []byte(s.doc[s.pos+2 : s.pos+6]) {
		i := strings.IndexByte("0123456789abcdef", b|0x20)
		if i < 0 || b < '0' {
			return 0, false
		}
		r = r<<4 | rune(i)
	}
	s.pos += 6
	return r, true
}

// number reads a number and gives it as it is written.
func (s *scanner) number() (string, error) {
	start := s.pos
	s.any("-")
	if s.any("0") == 0 && s.digits() == 0 {
		return "", s.fault("no value")
	}
	if s.any(".") == 1 && s.digits() == 0 {
		return "", s.fault("no digit behind the point of a number")
	}
	if s.any("eE") == 1 {
		s.any("+-")
		if s.digits() == 0 {
			return "", s.fault("no digit in the exponent of a number")
		}
	}
	return s.doc[start:s.pos], nil
}

// any reads one of the bytes of set, if it is next, and tells how many it read.
func (s *scanner) any(set string) int {
	if s.pos < len(s.doc) && strings.IndexByte(set, s.doc[s.pos]) >= 0 {
		s.pos++
		return 1
	}
	return 0
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.doc) && s.doc[s.pos] >= '0' && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// word reads true, false or null.
func (s *scanner) word() (string, error) {
	for _, w := range [...]string{"null", "true", "false"} {
		if strings.HasPrefix(s.doc[s.pos:], w) {
			s.pos += len(w)
			return w, nil
		}
	}
	return "", s.fault("no value")
}

// skip reads one value of any kind.
func (s *scanner) skip(depth int) error {
	var err error
	switch b := s.next(); {
	case depth > maxDepth:
		err = s.fault("nesting deeper than " + strconv.Itoa(maxDepth))
	case b == '"':
		_, err = s.text()
	case b == '{' || b == '[':
		err = s.skipAll(b, depth)
	case b == '-' || b >= '0' && b <= '9':
		_, err = s.number()
	default:
		_, err = s.word()
	}
	return err
}

// skipAll reads an object or an array; '{'+2 is '}', and so for brackets.
func (s *scanner) skipAll(opening byte, depth int) error {
	closing := opening + 2
	s.pos++
	if s.empty(closing) {
		return nil
	}
	for more := true; more; {
		if opening == '{' {
			if _, err := s.text(); err != nil {
				return err
			}
			if err := s.take(':'); err != nil {
				return err
			}
		}
		err := s.skip(depth + 1)
		if err != nil {
			return err
		}
		if more, err = s.more(closing); err != nil {
			return err
		}
	}
	return nil
}
