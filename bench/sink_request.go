package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits of a request to the sink.
const (
	maxSinkLine    = 16 << 10
	maxSinkHeaders = 100
	maxSinkBody    = 16 << 20
)

// requestReader reads HTTP/1.1 POST requests with a Content-Length, one after
// the other, and allocates nothing once its buffers have grown. What it holds
// is valid until the next read.
type requestReader struct {
	in *bufio.Reader

	path            []byte
	id              []byte // webhook-id
	timestamp       []byte // webhook-timestamp
	signature       []byte // the header of that name
	signatureHeader string
	body            []byte
	last            bool // Connection: close

	large   []byte
	pending int // bytes of the body that lie in the buffer of in
}

func newRequestReader(r io.Reader) *requestReader {
	return &requestReader{in: bufio.NewReaderSize(r, maxSinkLine), signatureHeader: signatureHeader}
}

// refusal is the answer to a request that the sink does not take.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

var (
	errBadRequest = &refusal{400, "Bad Request"}
	errMethod     = &refusal{405, "Method Not Allowed"}
	errNoLength   = &refusal{411, "Length Required"}
	errTooLarge   = &refusal{413, "Content Too Large"}
	errExpect     = &refusal{417, "Expectation Failed"}
	errHeaders    = &refusal{431, "Request Header Fields Too Large"}
	errVersion    = &refusal{505, "HTTP Version Not Supported"}
)

// next reads one request. io.EOF says that the peer closed between requests;
// a *refusal that the connection is to be closed after that answer.
func (r *requestReader) next() error {
	if r.pending > 0 {
		_, _ = r.in.Discard(r.pending) // they are in the buffer
		r.pending = 0
	}
	r.id, r.timestamp, r.signature, r.last = r.id[:0], r.timestamp[:0], r.signature[:0], false
	if err := r.requestLine(); err != nil {
		return err
	}
	length := -1
	for range maxSinkHeaders {
		line, err := r.line()
		if err != nil {
			return noEOF(err)
		}
		if len(line) == 0 {
			return r.readBody(length)
		}
		if err := r.header(line, &length); err != nil {
			return err
		}
	}
	return errHeaders
}

func (r *requestReader) requestLine() error {
	line, err := r.line()
	if err != nil {
		return err
	}
	method, rest, _ := bytes.Cut(line, []byte(" "))
	path, version, _ := bytes.Cut(rest, []byte(" "))
	switch {
	case len(path) == 0 || !bytes.HasPrefix(version, []byte("HTTP/")):
		return errBadRequest
	case string(version) != "HTTP/1.1":
		return errVersion
	case string(method) != "POST":
		return errMethod
	}
	r.path = append(r.path[:0], path...)
	return nil
}

// header looks at the few headers that matter; the length of the name decides first.
func (r *requestReader) header(line []byte, length *int) error {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || len(name) == 0 {
		return errBadRequest
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "content-length"):
		n, err := decimal(value)
		if err == nil && *length >= 0 && n != *length {
			err = errBadRequest
		}
		*length = n
		return err
	case is(name, "webhook-id"):
		r.id = append(r.id[:0], value...)
	case is(name, "webhook-timestamp"):
		r.timestamp = append(r.timestamp[:0], value...)
	case is(name, r.signatureHeader):
		r.signature = append(r.signature[:0], value...)
	case is(name, "connection"):
		r.last = r.last || is(value, "close")
	case is(name, "transfer-encoding"):
		return errNoLength
	case is(name, "expect"):
		return errExpect
	}
	return nil
}

func is(b []byte, word string) bool {
	return len(b) == len(word) && bytes.EqualFold(b, []byte(word))
}

func decimal(b []byte) (int, error) {
	if len(b) == 0 || len(b) > 18 {
		return 0, errBadRequest
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, errBadRequest
		}
		n = n*10 + int(c-'0')
	}
	if n > maxSinkBody {
		return 0, errTooLarge
	}
	return n, nil
}

// readBody leaves a body that fits the buffer where it is, without a copy.
func (r *requestReader) readBody(n int) (err error) {
	switch {
	case n < 0:
		return errNoLength
	case n <= maxSinkLine:
		if r.body, err = r.in.Peek(n); err == nil {
			r.pending = n
		}
	default:
		if cap(r.large) < n {
			r.large = make([]byte, n)
		}
		r.body = r.large[:n]
		_, err = io.ReadFull(r.in, r.body)
	}
	return noEOF(err)
}

func (r *requestReader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errHeaders
	case err != nil && len(line) > 0:
		return nil, noEOF(err)
	case err != nil:
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// noEOF: the end in the middle of a request is not a clean one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
