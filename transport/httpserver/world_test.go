package httpserver

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener in memory, so that a synctest bubble keeps its time.
type pipes struct {
	incoming chan net.Conn
	closed   chan struct{}
	closing  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.incoming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// from is a pipe's end that says where it comes from.
type from struct {
	net.Conn
	address net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.address }

type world struct {
	t      *testing.T
	server *Server
	pipes  *pipes
}

// serve starts a server for the rest of the test; call it in a bubble.
func serve(t *testing.T, o Options) *world {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	w := &world{t: t, server: New(o), pipes: &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})}}
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(w.pipes) }()
	t.Cleanup(func() {
		_ = w.server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		synctest.Wait()
	})
	return w
}

// dial gives a connection from an address.
func (w *world) dial(address string) net.Conn {
	w.t.Helper()
	ours, theirs := net.Pipe()
	w.t.Cleanup(func() { _ = ours.Close() })
	w.pipes.incoming <- from{theirs, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))}
	return ours
}

func (w *world) send(c net.Conn, text string) {
	w.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
}

// status reads one answer's status.
func (w *world) status(c net.Conn) int {
	w.t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// gone tells whether the server has closed the connection.
func gone(c net.Conn) bool {
	_, err := c.Read(make([]byte, 1))
	return err != nil
}
