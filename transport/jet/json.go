package jet

import (
	"bytes"
	"encoding/json"
)

// CompactJSON is v without white space at its end, and with <, > and & as they are.
func CompactJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Plain structs of strings, numbers and times before the year 10000.
		return []byte(`{"reason":"unwritable"}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
