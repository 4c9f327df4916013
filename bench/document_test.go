package bench

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDocuments(t *testing.T) {
	times := []time.Time{time.Unix(1_700_000_000, 1), time.Unix(1_800_000_000, 999_999_999)}
	for i, doc := range documents(times) {
		if len(doc) != DocumentSize || cap(doc) != DocumentSize {
			t.Errorf("document %d has %d bytes and room for %d, want %d", i, len(doc), cap(doc), DocumentSize)
		}
		if !json.Valid(doc) {
			t.Errorf("document %d is not JSON: %s", i, doc)
		}
		if got, ok := intended(doc); !ok || got != times[i].UnixNano() {
			t.Errorf("document %d carries %d (%t), want %d", i, got, ok, times[i].UnixNano())
		}
	}
}

func TestIntended(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       int64
	}{
		{"in front", `{"t":1700000000000000001}`, 1700000000000000001},
		{"inside a profile's body", `{"type":"x","data":{"t":1700000000000000001,"a":1}}`, 1700000000000000001},
		{"no body", ``, 0},
		{"no time", `{"a":1}`, 0},
		{"too short", `{"t":17}`, 0},
		{"not a number", `{"t":"1700000000000000001"}`, 0},
		{"zero", `{"t":0000000000000000000}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := intended([]byte(c.body)); got != c.want && ok || ok != (c.want > 0) {
				t.Errorf("got %d, %t; want %d", got, ok, c.want)
			}
		})
	}
}
