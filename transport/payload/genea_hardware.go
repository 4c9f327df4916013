package payload

import (
	"bytes"
	"strings"

	"github.com/postrider/postrider/transport"
)

// otherHardware is what no version covers.
const otherHardware = "other"

// Hardware tells which hardware ev's document says it is from, in its field
// "hardware": transport.HardwareVertX, transport.HardwareMercury, "" where it
// says nothing, "other" for anything else. It looks through the top level of
// the document alone; the last of several such fields counts. A document that
// is no JSON object has none.
func Hardware(ev *transport.Event) string {
	r := reader{doc: ev.Data}
	if r.next() != '{' {
		return ""
	}
	found := ""
	for {
		r.pos++ // past { or ,
		if r.next() != '"' {
			return found
		}
		key := r.skip()
		if r.next() != ':' {
			return found
		}
		r.pos++
		r.next()
		value := r.skip()
		if string(unescaped(key)) == `"hardware"` {
			found = hardwareNamed(value)
		}
		if r.next() != ',' {
			return found
		}
	}
}

func hardwareNamed(value []byte) string {
	switch value = unescaped(value); {
	case string(value) == "null":
		return ""
	case bytes.EqualFold(value, []byte(`"`+transport.HardwareVertX+`"`)):
		return transport.HardwareVertX
	case bytes.EqualFold(value, []byte(`"`+transport.HardwareMercury+`"`)):
		return transport.HardwareMercury
	}
	return otherHardware
}

// unescaped gives a string in canonical form; what has no escapes is in it.
func unescaped(token []byte) []byte {
	if len(token) == 0 || token[0] != '"' || bytes.IndexByte(token, '\\') < 0 {
		return token
	}
	r := reader{doc: token}
	text, err := r.text(nil)
	if err != nil {
		return token
	}
	return text
}

// skip passes over the value that is next and gives its bytes. It trusts the
// document: of one that is no JSON it may give anything.
func (r *reader) skip() []byte {
	start := r.pos
	switch {
	case r.pos == len(r.doc):
	case r.doc[r.pos] == '"':
		r.skipText()
	case r.doc[r.pos] == '{' || r.doc[r.pos] == '[':
		r.skipNested()
	default:
		for r.pos < len(r.doc) && strings.IndexByte(",:}] \t\r\n", r.doc[r.pos]) < 0 {
			r.pos++
		}
	}
	return r.doc[start:r.pos]
}

// skipNested passes over an object or array, whose bracket is next.
func (r *reader) skipNested() {
	for depth := 0; r.pos < len(r.doc); {
		switch r.doc[r.pos] {
		case '"':
			r.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		r.pos++
		if depth == 0 {
			return
		}
	}
}

// skipText passes over a string, whose opening quote is next.
func (r *reader) skipText() {
	for r.pos++; r.pos < len(r.doc); {
		end := bytes.IndexByte(r.doc[r.pos:], '"')
		if end < 0 {
			break
		}
		escapes := 0
		for i := r.pos + end - 1; i >= r.pos && r.doc[i] == '\\'; i-- {
			escapes++
		}
		r.pos += end + 1
		if escapes%2 == 0 {
			return
		}
	}
	r.pos = len(r.doc)
}
