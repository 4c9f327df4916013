package payload

import (
	"bytes"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// otherHardware is what no version covers.
const otherHardware = "other"

// Hardware tells which hardware ev's document says it is from, in its field
// "hardware": transport.HardwareVertX, transport.HardwareMercury, "" where it
// says nothing, "other" for anything else. It looks through the top level of
// the document alone; the last of several such fields counts. A document that
// is no JSON object has none.
func Hardware(ev *transport.Event) string {
	r := jsontext.Reader{Doc: ev.Data}
	found := ""
	r.Spans(func(name, value []byte) bool {
		if string(unescaped(name)) == `"hardware"` {
			found = hardwareNamed(value)
		}
		return true
	})
	return found
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
	if !jsontext.IsString(token) || bytes.IndexByte(token, '\\') < 0 {
		return token
	}
	return appendCanonical(nil, token[1:len(token)-1])
}
