package http1

import (
	"net"
	"syscall"
	"unsafe"
)

// peeker looks whether a kept connection has anything to read. That it was
// closed cannot be seen so; the next request on it tells.
type peeker struct {
	raw   syscall.RawConn
	look  func(fd uintptr)
	quiet bool
}

// fionread asks how many bytes can be read at once.
const fionread = 0x4004667f

// newPeeker is nil where the connection cannot be looked at.
func newPeeker(c net.Conn) *peeker {
	raw := rawConn(c)
	if raw == nil {
		return nil
	}
	p := &peeker{raw: raw}
	p.look = func(fd uintptr) {
		var waiting, n uint32
		err := syscall.WSAIoctl(syscall.Handle(fd), fionread, nil, 0,
			(*byte)(unsafe.Pointer(&waiting)), uint32(unsafe.Sizeof(waiting)), &n, nil, 0)
		p.quiet = err == nil && waiting == 0
	}
	return p
}

// isQuiet tells that the other side has said nothing.
func (p *peeker) isQuiet() bool {
	p.quiet = false
	return p.raw.Control(p.look) == nil && p.quiet
}
