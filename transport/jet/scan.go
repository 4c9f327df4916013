package jet

import "bytes"

// maxDepth is how deep a document may nest: encoding/json's own limit.
const maxDepth = 10000

// document is what one pass over a JSON text finds: whether it is valid, and
// the values of the top-level keys that may give an id or a time, as written.
type document struct {
	object bool

	uuid, eventType, eventAction []byte
	eventTime, time, timestamp   []byte
}

// note keeps the value of a top-level key. Of a key that comes twice the last
// one counts, as everywhere in JSON.
func (d *document) note(key, value []byte) {
	switch string(key) {
	case "uuid":
		d.uuid = value
	case "event_type":
		d.eventType = value
	case "event_action":
		d.eventAction = value
	case "event_time":
		d.eventTime = value
	case "time":
		d.time = value
	case "timestamp":
		d.timestamp = value
	}
}

// trimJSON cuts JSON's white space at both ends.
func trimJSON(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// scanJSON tells whether b is one valid JSON value, exactly as json.Valid
// does, and fills d on the way. It does not recurse and allocates nothing, so
// its cost is bounded by len(b) whatever b holds.
func scanJSON(b []byte, d *document) bool {
	var (
		objects [maxDepth/64 + 1]uint64 // one bit a level: object or array
		depth   int
		i       = skipSpace(b, 0)
		key     []byte
		start   int // of the value of a top-level key
	)
	d.object = i < len(b) && b[i] == '{'
value:
	i = skipSpace(b, i)
	if i == len(b) {
		return false
	}
	if depth == 1 {
		start = i
	}
	switch c := b[i]; c {
	case '{', '[':
		if depth == maxDepth {
			return false
		}
		i = skipSpace(b, i+1)
		if i == len(b) {
			return false
		}
		word, bit := depth>>6, uint64(1)<<(depth&63)
		depth++
		if c == '{' {
			objects[word] |= bit
			if b[i] != '}' {
				goto member
			}
		} else {
			objects[word] &^= bit
			if b[i] != ']' {
				goto value
			}
		}
		i++
		depth--
	case '"':
		if i = scanString(b, i); i < 0 {
			return false
		}
	case 't':
		if i = scanWord(b, i, "true"); i < 0 {
			return false
		}
	case 'f':
		if i = scanWord(b, i, "false"); i < 0 {
			return false
		}
	case 'n':
		if i = scanWord(b, i, "null"); i < 0 {
			return false
		}
	default:
		if i = scanNumber(b, i); i < 0 {
			return false
		}
	}
after:
	if depth == 1 && key != nil {
		d.note(key, b[start:i])
		key = nil
	}
	i = skipSpace(b, i)
	if depth == 0 {
		return i == len(b)
	}
	if i == len(b) {
		return false
	}
	if objects[(depth-1)>>6]&(1<<((depth-1)&63)) == 0 {
		switch b[i] {
		case ',':
			i++
			goto value
		case ']':
			i++
			depth--
			goto after
		}
		return false
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
	return false
member:
	if i == len(b) || b[i] != '"' {
		return false
	}
	end := scanString(b, i)
	if end < 0 {
		return false
	}
	if depth == 1 {
		key = b[i+1 : end-1]
	}
	i = skipSpace(b, end)
	if i == len(b) || b[i] != ':' {
		return false
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

// plain marks the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// scanString gives the place after the string that begins at i, or -1.
func scanString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		c := b[i]
		if plain[c] {
			continue
		}
		if c == '"' {
			return i + 1
		}
		if c != '\\' {
			return -1
		}
		if i++; i == len(b) {
			return -1
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if len(b)-i < 5 || !hex4(b[i+1:i+5]) {
				return -1
			}
			i += 4
		default:
			return -1
		}
	}
	return -1
}

func hex4(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

func scanWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// scanNumber gives the place after the number that begins at i, or -1.
func scanNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := scanDigits(b, i)
	if whole == i || b[i] == '0' && whole > i+1 {
		return -1
	}
	i = whole
	if i < len(b) && b[i] == '.' {
		part := scanDigits(b, i+1)
		if part == i+1 {
			return -1
		}
		i = part
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		power := scanDigits(b, i)
		if power == i {
			return -1
		}
		i = power
	}
	return i
}

func scanDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}
