//go:build unix

package http1

import (
	"net"
	"syscall"
)

// peeker looks whether a kept connection has anything to read, without
// reading it. One look is one system call and allocates nothing.
type peeker struct {
	raw   syscall.RawConn
	look  func(fd uintptr) bool
	quiet bool
}

// newPeeker is nil where the connection cannot be looked at.
func newPeeker(c net.Conn) *peeker {
	raw := rawConn(c)
	if raw == nil {
		return nil
	}
	p := &peeker{raw: raw}
	p.look = func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		p.quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
		return true
	}
	return p
}

// isQuiet tells that the other side has neither closed nor said anything.
func (p *peeker) isQuiet() bool {
	p.quiet = false
	return p.raw.Read(p.look) == nil && p.quiet
}
