package bench

import (
	"bytes"
	"strconv"
	"time"
)

// DocumentSize is the length of a published document in bytes.
const DocumentSize = 1024

// Secret signs every delivery of the bench. It protects nothing, and is here
// so that sender and sink agree on it without passing it along.
const Secret = "postrider-bench-protects-nothing"

const (
	timeKey    = `"t":`
	timeDigits = 19 // of unix nanoseconds, until the year 2286
	timeStart  = len(`{` + timeKey)
)

var documentText = makeDocument()

func makeDocument() []byte {
	b := append([]byte(`{`+timeKey), "1000000000000000000"...)
	b = append(b, `,"text":"`...)
	for i := 0; len(b) < DocumentSize-2; i++ {
		b = strconv.AppendUint(b, uint64(i)*2654435761, 36)
		b = append(b, ' ')
	}
	return append(b[:DocumentSize-2], `"}`...)
}

// documents makes one document of DocumentSize bytes for each intended time.
func documents(times []time.Time) [][]byte {
	all := bytes.Repeat(documentText, len(times))
	docs := make([][]byte, len(times))
	for i, t := range times {
		docs[i] = all[i*DocumentSize : (i+1)*DocumentSize : (i+1)*DocumentSize]
		strconv.AppendInt(docs[i][:timeStart], t.UnixNano(), 10)
	}
	return docs
}

// intended reads the time a document carries, in unix nanoseconds, wherever in
// its first 512 bytes it stands; ok is false where there is none.
func intended(body []byte) (nanos int64, ok bool) {
	head := body[:min(len(body), 512)]
	i := bytes.Index(head, []byte(timeKey))
	if i < 0 || len(head) < i+len(timeKey)+timeDigits {
		return 0, false
	}
	for _, c := range head[i+len(timeKey):][:timeDigits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		nanos = nanos*10 + int64(c-'0')
	}
	return nanos, nanos > 0
}
