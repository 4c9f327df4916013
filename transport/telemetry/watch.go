package telemetry

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are asked at each scrape; what is nil is not shown. All must be
// quick and safe to call from any goroutine.
type Sources struct {
	// Waiting is the number of pairs without an outcome, in hand and parked,
	// OldestWaiting how long the oldest event has been in hand.
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
	// Breakers gives the number of endpoints by the state of their breaker
	// (closed, open, probing).
	Breakers func() map[string]int
	// Streams and LogLag tell of the store: of what was asked within some
	// seconds where they can. What is not known is left out.
	Streams func() []StreamFill
	LogLag  func() LogLag
	// Room is how the disk stands that the streams share.
	Room func() Room
	// NATS and Redis tell whether they can be reached; Redis nil: there is none.
	NATS, Redis func() bool
	// Draining tells whether the node makes no new leases.
	Draining func() bool
	// Certificates tell when what a listener (http, nats) shows ends.
	Certificates map[string]func() time.Time
}

// Watch registers what s offers, in place of what was registered before: a node
// may be started again within its process.
func (t *Telemetry) Watch(s Sources) {
	if t == nil {
		return
	}
	watchInt(t, "waiting", "Deliveries without an outcome: in hand, under way included, and parked until later.", s.Waiting)
	if s.OldestWaiting != nil {
		t.watch("oldest_waiting_seconds", "How long the oldest event in hand has been there.",
			func() float64 { return s.OldestWaiting().Seconds() })
	}
	watchInt(t, "actors", "Endpoint actors alive.", s.Actors)
	watchInt(t, "window_events", "Events in hand.", s.WindowEvents)
	watchInt(t, "window_bytes", "Bytes of the events in hand.", s.WindowBytes)
	if s.Endpoints != nil {
		t.renew(newByState("endpoints", "Endpoints, by state.", states[:4], s.Endpoints))
	}
	t.watchStore(&s)
	if s.Breakers != nil {
		t.renew(newByState("breakers", "Endpoints, by the state of their breaker.", breakerStates, s.Breakers))
	}
}

func watchInt[N int | int64](t *Telemetry, name, help string, ask func() N) {
	if ask != nil {
		t.watch(name, help, func() float64 { return float64(ask()) })
	}
}

func (t *Telemetry) watch(name, help string, ask func() float64) {
	t.renew(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, ask))
}

// renew registers a collector, in place of the one of before.
func (t *Telemetry) renew(c prometheus.Collector) {
	err := t.registry.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		t.registry.Unregister(there.ExistingCollector)
		err = t.registry.Register(c)
	}
	if err != nil {
		panic(err) // a name that cannot be one
	}
}

// byState collects the number of endpoints by a state.
type byState struct {
	desc  *prometheus.Desc
	known []string
	ask   func() map[string]int
}

func newByState(name, help string, known []string, ask func() map[string]int) *byState {
	return &byState{prometheus.NewDesc(namespace+"_"+name, help, []string{"state"}, nil), known, ask}
}

// Describe implements prometheus.Collector.
func (b *byState) Describe(descs chan<- *prometheus.Desc) { descs <- b.desc }

// Collect implements prometheus.Collector. States that are not known are one.
func (b *byState) Collect(metrics chan<- prometheus.Metric) {
	now := b.ask()
	sum := 0
	for _, state := range b.known {
		metrics <- prometheus.MustNewConstMetric(b.desc, prometheus.GaugeValue, float64(now[state]), state)
		sum -= now[state]
	}
	for _, n := range now {
		sum += n
	}
	metrics <- prometheus.MustNewConstMetric(b.desc, prometheus.GaugeValue, float64(sum), other)
}
