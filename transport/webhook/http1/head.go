package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Head is the beginning of an answer.
type Head struct {
	// Status is 101 or from 200 on: what comes before is passed over.
	Status int
	// Header has what an answer that is no success is asked for: Retry-After,
	// Location and Date. It is nil where there is none of them.
	Header http.Header
	// Fault says what is wrong with the head, empty where nothing is.
	Fault string
	// Broken: the head was not read to its end.
	Broken bool

	frame     frame
	length    int64 // of frame byLength
	close     bool
	keepAlive time.Duration // how long the receiver keeps the connection; -1: not said
}

// frame is how an answer's body ends.
type frame uint8

const (
	untilClose frame = iota
	byLength
	chunked
	noBody
)

const (
	// maxHead is the most of an answer that is read before its body.
	maxHead = 64 << 10
	// maxEarly is how many 1xx answers may come before the answer.
	maxEarly = 64
)

var (
	// ErrNotHTTP says that what came is no status line of HTTP/1.
	ErrNotHTTP = errors.New("the answer begins with no status line of HTTP/1")
	errTooLong = errors.New("the answer is too long")
	errEarly   = errors.New("too many 1xx answers")
)

// ReadHead reads an answer's head from in, passing over 1xx ones. sound, where
// given, is called once the answer's own status line is read. The error is
// that of the status line: what is wrong after it is told in Fault.
func ReadHead(in *bufio.Reader, sound func()) (Head, error) {
	fault := ""
	for range maxEarly {
		var r headReader
		if err := r.statusLine(in); err != nil {
			return Head{}, err
		}
		early := r.Status < 200 && r.Status != http.StatusSwitchingProtocols
		if !early && sound != nil {
			sound()
		}
		err := r.fields(in)
		if err != nil && early {
			return Head{}, err
		}
		r.decide()
		if fault == "" {
			fault = r.Fault
		}
		if !early {
			r.Fault = fault
			r.close = r.close || fault != "" || r.Status == http.StatusSwitchingProtocols
			return r.Head, nil
		}
	}
	return Head{}, errEarly
}

// headReader collects what decides about the frame.
type headReader struct {
	Head
	minor     byte
	lengths   int // Content-Length fields
	encodings int // Transfer-Encoding fields
	keeps     bool
	long      []byte // of a line that does not fit the reader's buffer
}

func (r *headReader) fails(what string) {
	if r.Fault == "" {
		r.Fault = what
	}
}

// line gives the next line without its end; it is valid until the next one.
func (r *headReader) line(in *bufio.Reader) ([]byte, error) {
	b, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = append(r.long[:0], b...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(r.long) > maxHead {
				return nil, errTooLong
			}
			b, err = in.ReadSlice('\n')
			r.long = append(r.long, b...)
		}
		b = r.long
	}
	if err != nil {
		if err == io.EOF && len(b) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	b = b[:len(b)-1]
	return bytes.TrimSuffix(b, []byte("\r")), nil
}

// statusLine reads HTTP/1.1 200 OK; the words after the number are optional.
func (r *headReader) statusLine(in *bufio.Reader) error {
	b, err := r.line(in)
	if err != nil {
		return err
	}
	const version = "HTTP/1."
	if len(b) < len(version)+1 || string(b[:len(version)]) != version {
		return ErrNotHTTP
	}
	r.minor = b[len(version)]
	rest := bytes.TrimLeft(b[len(version)+1:], " ")
	if r.minor < '0' || r.minor > '9' || len(rest) < 3 || len(rest) == len(b)-len(version)-1 ||
		len(rest) > 3 && rest[3] != ' ' {
		return ErrNotHTTP
	}
	status, ok := digits(rest[:3])
	if !ok || status < 100 {
		return ErrNotHTTP
	}
	r.Status, r.length, r.keepAlive = int(status), -1, -1
	return nil
}

// fields reads up to the empty line. Whatever is wrong is a fault; the error
// is why the head was not read to its end.
func (r *headReader) fields(in *bufio.Reader) error {
	for read := 0; ; {
		b, err := r.line(in)
		if err == nil && read > maxHead {
			err = errTooLong
		}
		if err != nil {
			r.fails("its head does not end")
			r.Broken = true
			return err
		}
		if len(b) == 0 {
			return nil
		}
		read += len(b)
		r.field(b)
	}
}

func (r *headReader) field(b []byte) {
	colon := bytes.IndexByte(b, ':')
	switch {
	case b[0] == ' ' || b[0] == '\t':
		r.fails("its head has a folded line")
		return
	case colon <= 0:
		r.fails("its head has a line without a name")
		return
	case bytes.IndexByte(b, 0) >= 0 || bytes.IndexByte(b, '\r') >= 0:
		r.fails("its head has a control character")
		return
	}
	name, value := b[:colon], bytes.Trim(b[colon+1:], " \t")
	switch {
	case name[len(name)-1] == ' ' || name[len(name)-1] == '\t':
		r.fails("its head has a blank before a colon")
	case is(name, "content-length"):
		r.contentLength(value)
	case is(name, "transfer-encoding"):
		r.transferEncoding(value)
	case is(name, "connection"):
		r.connection(value)
	case is(name, "keep-alive"):
		r.keepAliveFor(value)
	case r.Status >= 300 && (is(name, "retry-after") || is(name, "location") || is(name, "date")):
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Add(string(name), string(value))
	}
}

// contentLength takes "5", and "5, 5" with a fault.
func (r *headReader) contentLength(value []byte) {
	r.lengths++
	for first, rest, more := bytes.Cut(value, []byte(",")); ; first, rest, more = bytes.Cut(rest, []byte(",")) {
		n, ok := digits(bytes.Trim(first, " \t"))
		switch {
		case !ok:
			r.fails("its Content-Length is no number")
			if r.lengths == 1 {
				return
			}
			r.length = -1
			return
		case r.lengths == 1 && r.length < 0:
			r.length = n
		case n != r.length:
			r.fails("it has two lengths")
			r.length = min(r.length, n)
		}
		if !more {
			return
		}
		r.fails("it lists its length")
	}
}

func (r *headReader) transferEncoding(value []byte) {
	if r.encodings++; r.encodings > 1 {
		r.fails("it is encoded twice")
	}
	if is(value, "chunked") {
		r.frame = chunked
		return
	}
	r.fails("its Transfer-Encoding is not chunked alone")
	if last := value[bytes.LastIndexByte(value, ',')+1:]; is(bytes.Trim(last, " \t"), "chunked") {
		r.frame = chunked
	}
}

func (r *headReader) connection(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte(","))
		token = bytes.Trim(token, " \t")
		r.close = r.close || is(token, "close")
		r.keeps = r.keeps || is(token, "keep-alive")
	}
}

// keepAliveFor reads "timeout=5, max=100".
func (r *headReader) keepAliveFor(value []byte) {
	for len(value) > 0 {
		var token []byte
		token, value, _ = bytes.Cut(value, []byte(","))
		name, number, _ := bytes.Cut(bytes.Trim(token, " \t"), []byte("="))
		if n, ok := digits(bytes.Trim(number, ` "`)); ok && is(name, "timeout") {
			r.keepAlive = time.Duration(min(n, 1<<20)) * time.Second
		}
	}
}

// decide settles the frame. What announces a body that cannot be, and what is
// announced in two ways, is in doubt.
func (r *headReader) decide() {
	if r.minor == '0' && !r.keeps {
		r.close = true
	}
	if r.encodings > 0 && (r.lengths > 0 || r.minor == '0') {
		r.fails("it is framed in two ways")
	}
	switch {
	case r.Broken:
		r.frame = noBody
	case r.Status < 200 || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified:
		if r.encodings > 0 || r.lengths > 0 && r.length != 0 {
			r.fails("a " + strconv.Itoa(r.Status) + " announces a body")
		}
		r.frame = noBody
	case r.frame == chunked || r.encodings > 0:
	case r.length == 0:
		r.frame = noBody
	case r.length >= 0:
		r.frame = byLength
	}
}

// digits reads a number that is nothing but digits and no larger than 2^53.
func digits(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, n < 1<<53
}

// is compares with a word in lower case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
