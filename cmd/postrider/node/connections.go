package node

import (
	"log/slog"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/httpserver"
	"github.com/postrider/postrider/transport/telemetry"
)

// metricsConnections bounds the connections of the listener for metrics alone.
const metricsConnections = 64

// bounds are those of the listeners' connections. Of the process' descriptors
// each takes a quarter at most: what is left is for deliveries and files.
type bounds struct{ http, perAddress, metrics, nats int }

func boundsOf(cfg *config.Config, descriptors int) bounds {
	share := descriptors / 4
	if descriptors == 0 {
		share = 1 << 30
	}
	b := bounds{http: min(cfg.HTTP.Connections, share), perAddress: cfg.HTTP.PerAddress,
		metrics: min(metricsConnections, share), nats: min(cfg.NATS.Connections, share)}
	if b.perAddress == 0 {
		b.perAddress = max(b.http/4, 1)
	}
	return b
}

// tell says which settings the descriptors do not suffice for.
func (b bounds) tell(cfg *config.Config, descriptors int, log *slog.Logger) {
	for _, c := range []struct {
		setting       string
		asked, allows int
	}{{"http.connections", cfg.HTTP.Connections, b.http}, {"nats.connections", cfg.NATS.Connections, b.nats}} {
		if c.allows < c.asked {
			log.Warn(c.setting+" is lowered to a quarter of the file descriptors; raise their limit (ulimit -n, LimitNOFILE)",
				"asked", c.asked, "connections", c.allows, "descriptors", descriptors)
		}
	}
}

// newServer makes the server of one of the node's listeners.
func (s *Server) newServer(listener string, o httpserver.Options) *httpserver.Server {
	o.Log = s.log
	o.Refused = func(b httpserver.Bound) { s.metrics.ConnectionRefused(listener, string(b)) }
	inner := httpserver.New(o)
	s.metrics.WatchConnections(listener, inner.Open)
	return inner
}

func (s *Server) newAPIServer(o httpserver.Options) *httpserver.Server {
	o.Connections, o.PerAddress, o.Proxies = s.bounds.http, s.bounds.perAddress, s.cfg.HTTP.Proxies
	return s.newServer(telemetry.ListenerHTTP, o)
}
