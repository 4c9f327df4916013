package httpserver

import (
	"net"
	"net/netip"
	"time"
)

// writePart is what must be taken within answerStall: of less than that a peer
// that reads at all takes something in time.
const writePart = 64 << 10

// conn is a connection that is counted until it is closed, and whose writes
// have their time.
type conn struct {
	net.Conn
	connections *connections
	address     netip.Addr
	left        bool // counted out; the lock of connections is over it
}

// Write gives each part answerStall of its own, so that a peer that reads
// slowly gets its answer and one that does not read is left.
func (c *conn) Write(b []byte) (written int, err error) {
	for {
		part := b[:min(len(b), writePart)]
		if err := c.SetWriteDeadline(time.Now().Add(answerStall)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(part)
		written += n
		if b = b[len(part):]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// CloseWrite is there for net/http, which ends a connection by it first.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *conn) Close() error {
	c.connections.leave(c)
	return c.Conn.Close()
}

// addressOf is whom a connection is counted for: an IPv4 address, or the /64
// that one IPv6 subscriber has to himself.
func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		ip = netip.PrefixFrom(ip, 64).Masked().Addr()
	}
	return ip
}
