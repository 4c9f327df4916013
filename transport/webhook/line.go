package webhook

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/postrider/postrider/transport"
)

// line is a kept HTTP/1.1 connection that carries one exchange at a time, on
// the goroutine of the attempt: net/http's costs two more and as many hand-overs.
type line struct {
	conn   net.Conn
	raw    *conn
	peek   *peeker
	in     *bufio.Reader
	meter  meter
	reused bool
	idle   time.Time
}

// meter bounds how much of one answer is read, head and body.
type meter struct {
	from io.Reader
	left int
}

const (
	readBuffer = 2 << 10
	// maxAnswer is what a meter lets through: head, body, and the frames of chunks.
	maxAnswer = maxAnswerHead + 2*transport.MaxAnswerRead
	// maxEarly is how many 1xx answers may come before the answer.
	maxEarly = 5
)

var errAnswerTooLarge = errors.New("the head of the answer is too large")

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errAnswerTooLarge
	}
	n, err := m.from.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// newLine takes a fresh connection; c is what raw lies under.
func newLine(c net.Conn, raw *conn) *line {
	l := &line{conn: c, raw: raw, peek: newPeeker(raw.Conn)}
	l.meter.from = c
	l.in = bufio.NewReaderSize(&l.meter, readBuffer)
	return l
}

// usable readies a kept line for another request, by deadline; false where the
// other side has closed it or spoken out of turn.
func (l *line) usable(deadline time.Time) bool {
	return l.peek != nil && l.nothingDecrypted() && l.conn.SetDeadline(deadline) == nil && l.peek.isQuiet()
}

// nothingDecrypted tells that TLS holds nothing back: what it has taken off the
// socket already can be seen by a read alone, which a deadline long past keeps
// from waiting for more.
func (l *line) nothingDecrypted() bool {
	if _, secure := l.conn.(*tls.Conn); !secure {
		return true
	}
	var b [1]byte
	if l.conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	n, err := l.conn.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// errUntouched: of the request not a byte was written, for the kept line was
// already dead; it may go by another.
var errUntouched = errors.New("the kept connection is dead")

// exchange writes a request and reads the head of its answer.
func (l *line) exchange(request []byte, at *moments) (*http.Response, error) {
	n, failed := l.conn.Write(request)
	if failed != nil && n == 0 && l.reused {
		return nil, errUntouched
	}
	l.meter.left = maxAnswer
	// After a failed write the receiver's answer may have come all the same.
	if _, err := l.in.Peek(1); err != nil {
		return nil, errors.Join(failed, err)
	}
	at.firstByte = time.Since(at.connected)
	for range maxEarly {
		resp, err := http.ReadResponse(l.in, posted)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
	return nil, errors.New("too many 1xx answers")
}

// posted tells ReadResponse what kind of request it answers.
var posted = &http.Request{Method: http.MethodPost}

// moments are when an attempt on a line came how far.
type moments struct {
	connected time.Time
	firstByte time.Duration
}

// abort ends whatever waits on the line.
func (l *line) abort() { _ = l.conn.SetDeadline(time.Unix(1, 0)) }

func (l *line) close() { _ = l.conn.Close() }
