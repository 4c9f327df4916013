package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/transport"
)

// StreamFill is how full a stream is; MaxBytes of 0 or less: without bound of
// its own.
type StreamFill struct {
	Name            string
	Messages, Bytes uint64
	MaxBytes        int64
}

// LogLag is what of the log was not taken up yet: how many events, and how long
// the first of them has been there.
type LogLag struct {
	Events uint64
	Age    time.Duration
}

// Room is the disk that the streams share, in bytes (0: nothing bounds it), what
// they have of it, and whether publishing is refused to all for want of it.
type Room struct {
	Bytes, Used int64
	Refusing    bool
}

// fill collects the streams' fill; those that are not told are not shown.
type fill struct {
	messages, bytes, max *prometheus.Desc
	ask                  func() []StreamFill
}

func newFill(ask func() []StreamFill) *fill {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, []string{"stream"}, nil)
	}
	return &fill{desc("stream_messages", "Messages in a stream."), desc("stream_bytes", "Bytes in a stream."),
		desc("stream_max_bytes", "Bytes at which a stream is full; not there for one without a bound of its own."), ask}
}

// Describe implements prometheus.Collector.
func (f *fill) Describe(descs chan<- *prometheus.Desc) {
	descs <- f.messages
	descs <- f.bytes
	descs <- f.max
}

// Collect implements prometheus.Collector.
func (f *fill) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, stream string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, stream)
	}
	for _, s := range f.ask() {
		gauge(f.messages, float64(s.Messages), s.Name)
		gauge(f.bytes, float64(s.Bytes), s.Name)
		if s.MaxBytes > 0 {
			gauge(f.max, float64(s.MaxBytes), s.Name)
		}
	}
}

// droppedStreams are those that are shortened before their age.
var droppedStreams = []string{transport.StreamEvents, transport.StreamAttempts}

func (t *Telemetry) newDropped() *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "dropped_early_total",
		Help: "Settled messages dropped before their age, since room ran short."}, []string{"stream"})
	t.registry.MustRegister(vec)
	for _, stream := range droppedStreams {
		vec.WithLabelValues(stream)
	}
	return vec
}

// DroppedEarly counts settled messages of EVENTS or ATTEMPTS that were dropped
// before their age.
func (t *Telemetry) DroppedEarly(stream string, n uint64) {
	if t != nil {
		t.dropped.WithLabelValues(stream).Add(float64(n))
	}
}

// watchStore registers what tells of NATS and Redis.
func (t *Telemetry) watchStore(s *Sources) {
	if s.Room != nil {
		t.watch("room_bytes", "Bytes that all streams may have together; 0: nothing bounds it.", func() float64 { return float64(s.Room().Bytes) })
		t.watch("room_used_bytes", "Bytes that all streams have together.", func() float64 { return float64(s.Room().Used) })
		t.watch("room_refusing", "1 while publishing is refused to all, since what is left is for deliveries.", func() float64 {
			if s.Room().Refusing {
				return 1
			}
			return 0
		})
	}
	if s.Streams != nil {
		t.renew(newFill(s.Streams))
	}
	if s.LogLag != nil {
		t.watch("log_lag_events", "Events of the log that were not taken up yet.", func() float64 { return float64(s.LogLag().Events) })
		t.watch("log_lag_seconds", "How long the first of them has been in the log.", func() float64 { return s.LogLag().Age.Seconds() })
	}
	watchBool(t, "nats_connected", "1 while NATS can be reached.", s.NATS)
	watchBool(t, "redis_connected", "1 while Redis can be reached; not there without Redis.", s.Redis)
	watchBool(t, "draining", "1 while the node makes no new leases.", s.Draining)
	for listener, ends := range s.Certificates {
		t.renew(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "certificate_ends_seconds",
			Help: "When the certificate that a listener shows ends, in Unix seconds.", ConstLabels: prometheus.Labels{"listener": listener}},
			func() float64 { return float64(ends().Unix()) }))
	}
}

func watchBool(t *Telemetry, name, help string, ask func() bool) {
	if ask == nil {
		return
	}
	t.watch(name, help, func() float64 {
		if ask() {
			return 1
		}
		return 0
	})
}
