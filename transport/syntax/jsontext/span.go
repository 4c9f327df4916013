package jsontext

import "bytes"

// Span skips one value and gives its text. It looks at quotes, brackets and
// where scalars end, and is for documents whose syntax was checked before: of
// others it may give anything. It is several times as fast as Value.
func (r *Reader) Span() ([]byte, bool) {
	first := r.Next()
	start, end := r.Pos, 0
	switch first {
	case 0:
		return nil, false
	case '"':
		end = PastString(r.Doc, start)
	case '{', '[':
		end = pastBrackets(r.Doc, start)
	default:
		end = start
		for end < len(r.Doc) && !delimiter[r.Doc[end]] {
			end++
		}
	}
	if end <= start {
		return nil, false
	}
	r.Pos = end
	return r.Doc[start:end], true
}

// Spans calls each for the members of the object that is next, the name in its
// quotes as it is written, until each returns false; false where there is no
// object. It is for documents whose syntax was checked before.
func (r *Reader) Spans(each func(name, value []byte) bool) bool {
	if r.Next() != '{' {
		return false
	}
	for r.Pos++; ; r.Pos++ {
		if r.Next() == '}' {
			r.Pos++
			return true
		}
		name, ok := r.Span()
		if !ok || r.Next() != ':' {
			return false
		}
		r.Pos++
		value, ok := r.Span()
		if !ok {
			return false
		}
		if !each(name, value) {
			return true
		}
		switch r.Next() {
		case '}':
			r.Pos++
			return true
		case ',':
		default:
			return false
		}
	}
}

// PastString gives where the string that begins at i is over, 0 where it never
// is. It is for documents whose syntax was checked before.
func PastString(doc []byte, i int) int {
	for i++; i < len(doc); i++ {
		quote := bytes.IndexByte(doc[i:], '"')
		if quote < 0 {
			return 0
		}
		i += quote
		escapes := 0
		for doc[i-1-escapes] == '\\' { // ends at the opening quote at the latest
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return 0
}

// pastBrackets gives where the object or array that begins at i is over, 0
// where it never is.
func pastBrackets(doc []byte, i int) int {
	depth := 0
	for i < len(doc) {
		switch step[doc[i]] {
		case stepText:
			if i = PastString(doc, i); i == 0 {
				return 0
			}
			continue
		case stepIn:
			depth++
		case stepOut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return 0
}

// NestedWithin tells whether objects and arrays in a value whose syntax was
// checked, itself included, are nested at most so deep.
func NestedWithin(value []byte, most int) bool {
	depth := 0
	for i := 0; i < len(value); {
		switch step[value[i]] {
		case stepText:
			if i = PastString(value, i); i == 0 {
				return false
			}
			continue
		case stepIn:
			if depth++; depth > most {
				return false
			}
		case stepOut:
			depth--
		}
		i++
	}
	return true
}

const (
	stepText = iota + 1
	stepIn
	stepOut
)

var step = [256]byte{'"': stepText, '{': stepIn, '[': stepIn, '}': stepOut, ']': stepOut}

// delimiter are the bytes that end a number or a word.
var delimiter = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, ',': true, ':': true,
	'{': true, '}': true, '[': true, ']': true, '"': true}
