package http1

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Timing is how long it took to make a connection.
type Timing struct{ DNS, Connect, TLS time.Duration }

// Patience is how long an answer may take from its status line to its end.
const Patience = time.Second

const (
	readBuffer = 2 << 10
	// maxBody bounds what is read behind a head, the frames of chunks with it.
	maxBody = 128 << 10
)

// Conn is a connection that carries one exchange at a time.
type Conn struct {
	// Timing of its making.
	Timing Timing
	// Reused: it has carried an exchange before this one.
	Reused bool
	// Broken: the last exchange ended without a byte of an answer, for the
	// connection did. Its request may or may not have been read.
	Broken bool

	conn    net.Conn
	peek    *peeker
	src     source
	in      *bufio.Reader
	head    Head
	body    body
	writing chan error // of a body that is written beside; nil: none is
	whole   bool       // the request was written to its end
	taken   time.Time  // by the exchange under way
	until   time.Time  // it is not used from then on
}

// source reads from the connection for one exchange.
type source struct {
	net      net.Conn
	left     int
	deadline time.Time
	sound    time.Time // when the status line was read: the rest has Patience
	patient  bool      // and the connection's deadline says so
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errTooLong
	}
	if !s.sound.IsZero() && !s.patient {
		s.patient = true
		if until := s.sound.Add(Patience); until.Before(s.deadline) {
			_ = s.net.SetReadDeadline(until)
		}
	}
	n, err := s.net.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// NewConn takes a fresh connection.
func NewConn(c net.Conn, t Timing) *Conn {
	l := &Conn{Timing: t, conn: c, peek: newPeeker(c), src: source{net: c}}
	l.in = bufio.NewReaderSize(&l.src, readBuffer)
	return l
}

// rawConn finds the socket under c, nil where there is none to be found.
func rawConn(c net.Conn) syscall.RawConn {
	for {
		if under, ok := c.(syscall.Conn); ok {
			raw, err := under.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		over, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = over.NetConn()
	}
}

// usable readies a kept connection for another request, by deadline; false
// where the other side has closed it or spoken out of turn.
func (c *Conn) usable(deadline time.Time) bool {
	return c.peek != nil && c.nothingDecrypted() && c.begin(deadline) && c.peek.isQuiet()
}

// begin sets the time limit of the next exchange.
func (c *Conn) begin(deadline time.Time) bool {
	c.src.deadline = deadline
	return c.conn.SetDeadline(deadline) == nil
}

// nothingDecrypted tells that TLS holds nothing back: what it has taken off the
// socket already can be seen by a read alone, which a deadline long past keeps
// from waiting for more.
func (c *Conn) nothingDecrypted() bool {
	if _, secure := c.conn.(*tls.Conn); !secure {
		return true
	}
	var b [1]byte
	if c.conn.SetReadDeadline(longPast) != nil {
		return false
	}
	n, err := c.conn.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

var longPast = time.Unix(1, 0)

// ErrUntouched says that of the request not a byte was written, for the kept
// connection was dead already; it may go by another.
var ErrUntouched = errors.New("the kept connection is dead")

// Request is what one exchange sends.
type Request struct {
	// Bytes are the head and a small body in one, or the head alone.
	Bytes []byte
	// Body is a large one. It may be read until Close or Keep.
	Body []byte
}

// Response is an answer whose head was read.
type Response struct {
	*Head
	// Body gives io.EOF where the answer ended, other errors where it did not.
	Body io.Reader
	// FirstByte is how long its first byte took from having the connection.
	FirstByte time.Duration
}

// Exchange writes a request and reads the head of its answer. It ends at the
// deadline that the connection was taken with, or at Abort. The error is
// ErrUntouched, or says why no status line came.
func (c *Conn) Exchange(r Request) (resp Response, err error) {
	start := time.Now()
	failed := c.write(r)
	if errors.Is(failed, ErrUntouched) {
		return resp, failed
	}
	c.src.left, c.src.sound, c.src.patient = maxHead+maxBody, time.Time{}, false
	// After a failed write the receiver's answer may have come all the same.
	if _, err = c.in.Peek(1); err != nil {
		c.stopWriting()
		err = errors.Join(failed, err)
		c.Broken = !errors.Is(err, os.ErrDeadlineExceeded)
		return resp, err
	}
	resp.FirstByte = time.Since(start)
	if c.head, err = ReadHead(c.in, c.soundly); err != nil {
		c.stopWriting()
		return resp, errors.Join(failed, err)
	}
	if c.head.Status >= 300 {
		c.stopWriting() // it wants no more; of a success it may
	}
	c.body.begin(c.in, &c.head)
	resp.Head, resp.Body = &c.head, &c.body
	return resp, nil
}

func (c *Conn) soundly() { c.src.sound = time.Now() }

// write writes r, its Body on a goroutine of its own: a receiver may answer
// before it has read all, and close.
func (c *Conn) write(r Request) error {
	c.Broken, c.whole, c.writing = false, false, nil
	if r.Body != nil {
		done := make(chan error, 1)
		c.writing = done
		go func() {
			_, err := c.conn.Write(r.Bytes)
			if err == nil {
				_, err = c.conn.Write(r.Body)
			}
			done <- err
		}()
		return nil
	}
	n, err := c.conn.Write(r.Bytes)
	if err != nil && n == 0 && c.Reused {
		return ErrUntouched
	}
	c.whole = err == nil
	return err
}

// stopWriting ends a body that is still being written.
func (c *Conn) stopWriting() {
	if c.writing == nil {
		return
	}
	select {
	case err := <-c.writing:
		c.whole = err == nil
	default:
		_ = c.conn.SetWriteDeadline(longPast)
		c.whole = <-c.writing == nil
	}
	c.writing = nil
}

// finishWriting gives a body that is still being written until the answer's
// time is up.
func (c *Conn) finishWriting() {
	if c.writing != nil {
		if until := c.src.sound.Add(Patience); until.Before(c.src.deadline) {
			_ = c.conn.SetWriteDeadline(until)
		}
		c.whole = <-c.writing == nil
		c.writing = nil
	}
}

// isSound tells whether the connection may carry another request: this one was
// written whole, its answer read whole, nothing stands behind it, and its
// frame left no doubt.
func (c *Conn) isSound() bool {
	return c.whole && c.body.ended && !c.head.close && c.head.frame != untilClose && c.in.Buffered() == 0
}

// Abort ends whatever waits on the connection, which cannot be kept then.
func (c *Conn) Abort() { _ = c.conn.SetDeadline(longPast) }

// close closes the connection. TLS says goodbye first, for which it would wait
// where what was to be written before has no room.
func (c *Conn) close() {
	if secure, is := c.conn.(*tls.Conn); is && !c.whole {
		_ = secure.NetConn().Close()
		return
	}
	_ = c.conn.Close()
}

// Closes tells whether the receiver ends the connection behind the answer.
func (h *Head) Closes() bool { return h.close }
