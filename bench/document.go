package bench

import (
	"bytes"
	"time"
)

// DocumentSize is the length of a published document in bytes, where nothing
// else is asked for.
const DocumentSize = 1024

// Secret signs every delivery of the bench. It protects nothing, and is here
// so that sender and sink agree on it without passing it along.
const Secret = "postrider-bench-protects-nothing"

const (
	timeKey    = `"t":`
	timeDigits = 19 // of unix nanoseconds, until the year 2286
	timeWithin = 512
)

// plain are the documents of every suite that asks for no others.
var plain = func() documentForm {
	d, err := newDocumentForm(formatRaw, DocumentSize)
	if err != nil {
		panic(err) // the size is a constant
	}
	return d
}()

var documentText = plain.text

// documents makes one document of DocumentSize bytes for each intended time.
func documents(times []time.Time) [][]byte { return plain.documents(times) }

// intended reads the time a document carries, in unix nanoseconds, wherever in
// its first 512 bytes it stands; ok is false where there is none.
func intended(body []byte) (nanos int64, ok bool) {
	head := body[:min(len(body), timeWithin)]
	for _, mark := range [...]string{timeKey, timeMarkInText} {
		if i := bytes.Index(head, []byte(mark)); i >= 0 {
			return digits(head[i+len(mark):])
		}
	}
	return 0, false
}

func digits(b []byte) (nanos int64, ok bool) {
	if len(b) < timeDigits {
		return 0, false
	}
	for _, c := range b[:timeDigits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		nanos = nanos*10 + int64(c-'0')
	}
	return nanos, nanos > 0
}
