package telemetry

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The listeners whose connections are bounded.
const (
	ListenerHTTP    = "http"
	ListenerMetrics = "metrics"
	ListenerNATS    = "nats"
)

var (
	listeners = []string{ListenerHTTP, ListenerMetrics, ListenerNATS}
	bounds    = []string{"all", "address"}
)

// refusalsTold is how often a listener's refusals are told in the log.
const refusalsTold = 10 * time.Second

// refusals counts connections that a bound refused.
type refusals struct {
	counters map[[2]string]prometheus.Counter

	mu     sync.Mutex
	told   map[string]time.Time // by listener
	untold map[string]int
}

func (t *Telemetry) newRefusals() *refusals {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "connections_refused_total",
		Help: "Incoming connections that a bound refused, by listener and bound (all, or those of one address)."}, []string{"listener", "bound"})
	t.registry.MustRegister(vec)
	r := &refusals{counters: map[[2]string]prometheus.Counter{}, told: map[string]time.Time{}, untold: map[string]int{}}
	for _, listener := range listeners {
		for _, bound := range bounds {
			r.counters[[2]string{listener, bound}] = vec.WithLabelValues(listener, bound)
		}
	}
	return r
}

// ConnectionRefused counts a connection that a listener's bound (all, address)
// refused; a line tells it, at most one in ten seconds for each listener.
func (t *Telemetry) ConnectionRefused(listener, bound string) {
	if t == nil {
		return
	}
	if c, known := t.refusals.counters[[2]string{listener, bound}]; known {
		c.Inc()
	}
	if n := t.refusals.tell(listener, time.Now()); n > 0 {
		t.log.Warn("connections are refused: the bound is reached; see "+listener+".connections in docs/operations.md",
			slog.String("listener", listener), slog.String("bound", bound), slog.Int("refused", n))
	}
}

// tell gives how many a line is to tell of; 0: no line now.
func (r *refusals) tell(listener string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.untold[listener]++
	if last, there := r.told[listener]; there && now.Sub(last) < refusalsTold {
		return 0
	}
	n := r.untold[listener]
	r.told[listener], r.untold[listener] = now, 0
	return n
}

// WatchConnections shows the connections open at a listener. It may be called
// once for each.
func (t *Telemetry) WatchConnections(listener string, ask func() int) {
	if t == nil {
		return
	}
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "connections",
		Help: "Incoming connections open, by listener.", ConstLabels: prometheus.Labels{"listener": listener}},
		func() float64 { return float64(ask()) }))
}
