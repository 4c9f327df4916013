package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/transport"
)

func (t *Telemetry) newLost() map[string]prometheus.Counter {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "lost_messages_total",
		Help: "Messages that a stream was found to have lost at its end, as the node started."}, []string{"stream"})
	t.registry.MustRegister(v)
	all := map[string]prometheus.Counter{}
	for _, stream := range []string{transport.StreamEvents, transport.StreamDeferred, transport.StreamAttempts} {
		all[stream] = v.WithLabelValues(stream)
	}
	return all
}

// LostTail counts what a stream lost.
func (t *Telemetry) LostTail(l transport.LostTail) {
	if c := t.lost[l.Stream]; c != nil {
		c.Add(float64(l.Count()))
	}
}
