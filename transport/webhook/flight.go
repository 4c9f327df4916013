package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// flight is one attempt under way: its context, its time limit, what the
// request reads, and when what happened. It is one allocation, never used
// again: net/http may hold on to parts of it after a cut.
type flight struct {
	context.Context
	cancel   context.CancelFunc
	deadline time.Time
	payload  []byte
	body     bytes.Reader
	trace    httptrace.ClientTrace

	// These are written by net/http's goroutines.
	fresh     atomic.Pointer[conn]
	got, head atomic.Int64
	start     time.Time
}

type flightKey struct{}

func newFlight(ctx context.Context, limit time.Duration, body []byte) *flight {
	f := &flight{payload: body, start: time.Now()}
	f.deadline = f.start.Add(limit)
	f.Context, f.cancel = context.WithDeadline(ctx, f.deadline)
	f.trace.GotConn = f.gotConn
	f.trace.GotFirstResponseByte = f.firstByte
	return f
}

func (f *flight) end() { f.cancel() }

// Value hands the flight itself down to the dialler.
func (f *flight) Value(key any) any {
	if key == (flightKey{}) {
		return f
	}
	return f.Context.Value(key)
}

// limited gives a dial the time limit of the attempt it is made for. net/http
// lets a dial outlive its request, in case another one can use it.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if f, ok := ctx.Value(flightKey{}).(*flight); ok {
		return context.WithDeadline(ctx, f.deadline)
	}
	return context.WithTimeout(ctx, dialLimit)
}

func (f *flight) traced() context.Context { return httptrace.WithClientTrace(f, &f.trace) }

// reader is of a kind that net/http sends together with the head.
func (f *flight) reader() io.ReadCloser {
	f.body.Reset(f.payload)
	return io.NopCloser(&f.body)
}

func (f *flight) again() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f.payload)), nil
}

func (f *flight) gotConn(info httptrace.GotConnInfo) {
	f.got.Store(int64(time.Since(f.start)))
	f.fresh.Store(nil)
	if info.Reused {
		return
	}
	under := info.Conn
	if secured, ok := under.(*tls.Conn); ok {
		under = secured.NetConn()
	}
	if c, ok := under.(*conn); ok {
		f.fresh.Store(c)
	}
}

func (f *flight) firstByte() { f.head.Store(int64(time.Since(f.start))) }

// times sets a's phases. FirstByte counts from having the connection.
func (f *flight) times(a *transport.Answer) {
	if c := f.fresh.Load(); c != nil {
		a.DNS, a.Connect, a.TLS = c.dns, c.connect, c.tls
	}
	got, head := f.got.Load(), f.head.Load()
	if got > 0 && head > got {
		a.FirstByte = time.Duration(head - got)
	}
}

// connected tells whether the attempt ever had a connection.
func (f *flight) connected() bool { return f.got.Load() > 0 }

// expired tells whether the time limit has passed.
func (f *flight) expired() bool { return errors.Is(f.Context.Err(), context.DeadlineExceeded) }
