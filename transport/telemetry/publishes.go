package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// publishReasons are why a producer's message was not stored; what is none of
// them counts as "other".
var publishReasons = []string{"batch", "document", "header", "room", "share", "size", "store", "subject", "unread"}

func (t *Telemetry) newPublishRefusals() *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "publishes_refused_total",
		Help: "Messages that producers published by NATS and that were not stored, by reason: the document, a header, its size, the subject, an atomic batch, the customer's share of what waits or of the log (share), no room in the log for anybody (room), an error of the store, or no time to read them (unread)."},
		[]string{"reason"})
	t.registry.MustRegister(vec)
	for _, reason := range publishReasons {
		vec.WithLabelValues(reason)
	}
	return vec
}

// PublishRefused counts n messages of producers that were not stored.
func (t *Telemetry) PublishRefused(_, reason string, n int) {
	if t == nil {
		return
	}
	if !slices.Contains(publishReasons, reason) {
		reason = "other"
	}
	t.publishes.WithLabelValues(reason).Add(float64(n))
}
