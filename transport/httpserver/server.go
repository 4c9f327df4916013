package httpserver

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	// bodyStall is how long a body may stop coming, answerStall how long an
	// answer may not be taken.
	bodyStall   = 10 * time.Second
	answerStall = 30 * time.Second
	// maxHeader bounds a request's head: the longest token there is, and room.
	maxHeader = 32 << 10
)

// Options say who answers and how many connections there may be.
type Options struct {
	Handler http.Handler
	// Connections and PerAddress bound the connections open at once; 0: no bound.
	Connections, PerAddress int
	// Proxies are networks that PerAddress does not count: all who come through
	// a reverse proxy come from its address.
	Proxies []netip.Prefix
	// Refused is told of each connection that was refused, and by which bound;
	// nil: nobody. It must be quick.
	Refused func(Bound)
	Log     *slog.Logger
	// TLS is what connections speak; nil: HTTP in clear. With it they speak
	// HTTP/1.1: one connection is one request at a time, which the bounds count.
	TLS *tls.Config
}

// Bound is one of the bounds of a listener's connections.
type Bound string

// The bounds: Connections and PerAddress of Options.
const (
	BoundAll     Bound = "all"
	BoundAddress Bound = "address"
)

// Server answers HTTP on any number of listeners; Options' bounds hold for all
// of them together.
type Server struct {
	http        *http.Server
	connections *connections
	tls         *tls.Config
}

// New makes a Server.
func New(o Options) *Server {
	s := &Server{connections: newConnections(&o), tls: o.TLS}
	s.http = &http.Server{
		Handler:           boundBodies(o.Handler),
		ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ConnState: s.connections.changed,
		ErrorLog:  slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers what comes to l until Shutdown or Close, and then gives
// http.ErrServerClosed.
func (s *Server) Serve(l net.Listener) error {
	var counted net.Listener = &listener{Listener: l, connections: s.connections}
	if s.tls != nil {
		counted = tls.NewListener(counted, s.tls)
	}
	return s.http.Serve(counted)
}

// Open is the number of connections open now.
func (s *Server) Open() int { return s.connections.count() }

// Shutdown lets requests under way end, as http.Server's does; Close ends them.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// Close ends all requests.
func (s *Server) Close() error { return s.http.Close() }
