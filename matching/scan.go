package matching

import (
	"bytes"
	"unicode/utf8"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// scanner reads the values of a detection document.
type scanner struct {
	jsontext.Reader
	// text is the document: strings are parts of it, where no escape stands in
	// the way.
	text string
}

// string reads a string; bytes that are no UTF-8 are U+FFFD.
func (s *scanner) string() (string, error) {
	inner, plain, err := s.String()
	if err != nil {
		return "", err
	}
	if end := s.Pos - 1; plain || bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return s.text[end-len(inner) : end], nil
	}
	return string(jsontext.Append(nil, inner)), nil
}

// number reads a number and gives it as it is written.
func (s *scanner) number() (string, error) {
	literal, _, err := s.Number()
	return s.text[s.Pos-len(literal) : s.Pos], err
}

// value reads a text, or a whole number in place of it, in its digits; null is
// "". read is false for a value of another kind, or one that is too long.
func (s *scanner) value(limit int) (text string, read bool, err error) {
	switch b := s.Next(); {
	case b == '"':
		text, err = s.string()
		read = true
	case b == '-' || b >= '0' && b <= '9':
		if text, err = s.number(); err == nil {
			text, read = wholeNumber(text)
		}
	case b == 'n':
		_, err = s.Word()
		return "", err == nil, err
	default:
		_, err = s.Value(1)
	}
	if len(text) > limit || !read {
		return "", false, err
	}
	return text, true, err
}
