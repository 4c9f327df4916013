package payload

import "bytes"

// span skips one value and gives its text. It looks at quotes, brackets and
// where scalars end, and is for documents whose syntax was checked before.
func (r *reader) span() ([]byte, bool) {
	first := r.next()
	start, end := r.pos, 0
	switch first {
	case 0:
		return nil, false
	case '"':
		end = pastText(r.doc, start)
	case '{', '[':
		end = pastBrackets(r.doc, start)
	default:
		end = start
		for end < len(r.doc) && !delimiter[r.doc[end]] {
			end++
		}
	}
	if end <= start {
		return nil, false
	}
	r.pos = end
	return r.doc[start:end], true
}

// pastText gives where the string that begins at i is over, 0 where it never is.
func pastText(doc []byte, i int) int {
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
			if i = pastText(doc, i); i == 0 {
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

// nestedWithin tells whether objects and arrays in raw, itself included, are
// nested at most so deep.
func nestedWithin(raw []byte, most int) bool {
	depth := 0
	for i := 0; i < len(raw); {
		switch step[raw[i]] {
		case stepText:
			if i = pastText(raw, i); i == 0 {
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
