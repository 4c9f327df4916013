package httpserver

import (
	"io"
	"net"
	"strconv"
	"time"
)

const (
	// refusalsAtOnce bounds the refusals that are told; beyond it connections
	// are closed without a word.
	refusalsAtOnce = 64
	refusalTime    = time.Second
	refusalRead    = 64 << 10
	// kernelBuffer is what the system holds of an answer that is not read: its
	// own would grow to megabytes.
	kernelBuffer = 256 << 10
)

// listener gives the connections that the bounds let in.
type listener struct {
	net.Listener
	connections *connections
}

// Accept never waits for a connection to end: what has no room is refused.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, ok := raw.(interface{ SetWriteBuffer(int) error }); ok {
			_ = tcp.SetWriteBuffer(kernelBuffer) // it works with the system's own too
		}
		in, bound := l.connections.enter(raw)
		if in != nil {
			return in, nil
		}
		l.connections.refused(bound)
		l.connections.refuse(raw)
	}
}

// refuse answers 503 without waiting for the request.
func (c *connections) refuse(raw net.Conn) {
	if c.silent {
		_ = raw.Close()
		return
	}
	select {
	case c.answers <- struct{}{}:
	default:
		_ = raw.Close()
		return
	}
	go func() {
		defer func() { <-c.answers }()
		defer raw.Close()
		_ = raw.SetDeadline(time.Now().Add(refusalTime))
		if _, err := raw.Write(refusal); err != nil {
			return
		}
		// With the request unread, closing at once would take the answer back.
		if half, ok := raw.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = io.CopyN(io.Discard, raw, refusalRead)
		}
	}()
}

var refusal = func() []byte {
	const body = `{"message":"Too many connections: use fewer at once and keep them, or try again in a second",` +
		`"error_type":"UnavailableError","error_code":"UNAVAILABLE"}`
	return []byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n" +
		"Connection: close\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}()
