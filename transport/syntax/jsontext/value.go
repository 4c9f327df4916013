package jsontext

import "bytes"

// Valid tells whether doc is one JSON value, exactly as json.Valid does.
func Valid(doc []byte) bool {
	r := Reader{Doc: doc}
	if _, err := r.Value(0); err != nil {
		return false
	}
	return r.Next() == 0
}

// Trim cuts JSON's white space at both ends, and a byte order mark before it.
func Trim(doc []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(doc, []byte("\ufeff")), " \t\r\n")
}

// Value reads a value of any kind and gives it as it is written. of tells how
// many objects and arrays it stands in.
func (r *Reader) Value(of int) ([]byte, error) {
	first := r.Next()
	start, end, what := r.Pos, 0, ""
	switch first {
	case '{', '[':
		// Most documents are not deep, and 64 levels need no room to be cleared.
		var few [1]uint64
		limit := min(MaxDepth-of, 64)
		if end, what = walk(r.Doc, start, few[:], limit); what == tooDeep && limit == 64 {
			end, what = walkDeep(r.Doc, start, MaxDepth-of)
		}
	default:
		end, what = scalar(r.Doc, start)
	}
	r.Pos = end
	if what != "" {
		return nil, r.fault(what)
	}
	return r.Doc[start:end], nil
}

// tooDeep is what walk says of too many levels.
const tooDeep = "nesting deeper than 10000"

//go:noinline
func walkDeep(b []byte, i, limit int) (end int, what string) {
	var levels [MaxDepth/64 + 1]uint64
	return walk(b, i, levels[:], limit)
}

// scalar gives the place after the string, number or word that begins at i, or
// what is wrong there.
func scalar(b []byte, i int) (end int, what string) {
	if i == len(b) {
		return i, "the end"
	}
	switch b[i] {
	case '"':
		return pastString(b, i+1)
	case 't':
		return word(b, i, "true")
	case 'f':
		return word(b, i, "false")
	case 'n':
		return word(b, i, "null")
	}
	return number(b, i)
}

// walk gives the place after the object or array that begins at i. It does not
// recurse: levels has one bit for each level, set for an object, and limit is
// how many there may be.
func walk(b []byte, i int, levels []uint64, limit int) (end int, what string) {
	depth := 0
value:
	i = skipSpace(b, i)
	if i == len(b) {
		return i, "the end"
	}
	if c := b[i]; c == '{' || c == '[' {
		if depth == limit {
			return i, tooDeep
		}
		i = skipSpace(b, i+1)
		if i == len(b) {
			return i, "the end"
		}
		word, bit := depth>>6, uint64(1)<<(depth&63)
		depth++
		if c == '{' {
			levels[word] |= bit
			if b[i] != '}' {
				goto member
			}
		} else {
			levels[word] &^= bit
			if b[i] != ']' {
				goto value
			}
		}
		i++
		depth--
	} else if i, what = scalar(b, i); what != "" {
		return i, what
	}
after:
	if depth == 0 {
		return i, ""
	}
	i = skipSpace(b, i)
	if i == len(b) {
		return i, "the end"
	}
	if levels[(depth-1)>>6]&(1<<((depth-1)&63)) == 0 {
		switch b[i] {
		case ',':
			i++
			goto value
		case ']':
			i++
			depth--
			goto after
		}
		return i, "no comma or ]"
	}
	switch b[i] {
	case ',':
		i = skipSpace(b, i+1)
		goto member
	case '}':
		i++
		depth--
		goto after
	}
	return i, "no comma or }"
member:
	if i == len(b) || b[i] != '"' {
		return i, "no key in an object"
	}
	if i, what = pastString(b, i+1); what != "" {
		return i, what
	}
	i = skipSpace(b, i)
	if i == len(b) || b[i] != ':' {
		return i, "no colon behind a key"
	}
	i++
	goto value
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func word(b []byte, i int, w string) (end int, what string) {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return i, "no value"
	}
	return i + len(w), ""
}
