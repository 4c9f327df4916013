package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are asked at each scrape; what is nil is not shown. All must be
// quick and safe to call from any goroutine.
type Sources struct {
	// Waiting is the number of pairs in hand that wait for a free place at their
	// endpoint, OldestWaiting how long the oldest event has been in hand.
	Waiting       func() int
	OldestWaiting func() time.Duration
	// Actors is the number of endpoint actors alive.
	Actors func() int
	// WindowEvents and WindowBytes are what the shard has in hand.
	WindowEvents func() int
	WindowBytes  func() int64
	// Endpoints gives the number of endpoints by state (active, paused,
	// failing, disabled).
	Endpoints func() map[string]int
}

// Watch registers what s offers. It may be called once for each source.
func (t *Telemetry) Watch(s Sources) {
	if t == nil {
		return
	}
	watchInt(t, "waiting", "Deliveries in hand that wait for a free place at their endpoint.", s.Waiting)
	if s.OldestWaiting != nil {
		t.watch("oldest_waiting_seconds", "How long the oldest event in hand has been there.",
			func() float64 { return s.OldestWaiting().Seconds() })
	}
	watchInt(t, "actors", "Endpoint actors alive.", s.Actors)
	watchInt(t, "window_events", "Events in hand.", s.WindowEvents)
	watchInt(t, "window_bytes", "Bytes of the events in hand.", s.WindowBytes)
	if s.Endpoints != nil {
		t.registry.MustRegister(endpointStates(s.Endpoints))
	}
}

func watchInt[N int | int64](t *Telemetry, name, help string, ask func() N) {
	if ask != nil {
		t.watch(name, help, func() float64 { return float64(ask()) })
	}
}

func (t *Telemetry) watch(name, help string, ask func() float64) {
	t.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, ask))
}

// endpointStates collects the number of endpoints by state.
type endpointStates func() map[string]int

var endpointsDesc = prometheus.NewDesc(namespace+"_endpoints", "Endpoints, by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (endpointStates) Describe(descs chan<- *prometheus.Desc) { descs <- endpointsDesc }

// Collect implements prometheus.Collector. States that are not known are one.
func (ask endpointStates) Collect(metrics chan<- prometheus.Metric) {
	now := ask()
	sum := 0
	for _, state := range states[:4] {
		metrics <- prometheus.MustNewConstMetric(endpointsDesc, prometheus.GaugeValue, float64(now[state]), state)
		sum -= now[state]
	}
	for _, n := range now {
		sum += n
	}
	metrics <- prometheus.MustNewConstMetric(endpointsDesc, prometheus.GaugeValue, float64(sum), other)
}
