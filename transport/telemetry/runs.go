package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// runMetrics are of runs of alerts, by the type of the alerts: normal, hot or live.
type runMetrics struct {
	duration                 *prometheus.HistogramVec
	matches, failing, unread *prometheus.CounterVec
}

func (t *Telemetry) newRunMetrics() runMetrics {
	label := []string{"alert_type"}
	m := runMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "run_duration_seconds",
			Help: "Time from a run's record to its end, by type of alert.", Buckets: []float64{.005, .02, .1, .5, 1, 5, 20, 60, 300, 1800}}, label),
		matches: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "run_matches_total",
			Help: "Matches that runs reported, by type of alert."}, label),
		failing: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "runs_failed_total",
			Help: "Runs that failed and are tried again, each counted once, by type of alert."}, label),
		unread: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "detection_fields_unread_total",
			Help: "Fields of detections that could not be read and were left out, by field."}, []string{"field"}),
	}
	t.registry.MustRegister(m.duration, m.matches, m.failing, m.unread)
	return m
}

// RunFinished counts a run of alerts, how long it took and what it matched.
func (t *Telemetry) RunFinished(alertType string, took time.Duration, matches int) {
	if t == nil {
		return
	}
	t.runs.duration.WithLabelValues(alertType).Observe(took.Seconds())
	t.runs.matches.WithLabelValues(alertType).Add(float64(matches))
}

// RunFailed counts a run that failed and is tried again.
func (t *Telemetry) RunFailed(alertType string) {
	if t != nil {
		t.runs.failing.WithLabelValues(alertType).Inc()
	}
}

// DetectionFieldUnread counts a field of a detection, one of the 22 that there
// are, that could not be read.
func (t *Telemetry) DetectionFieldUnread(field string) {
	if t != nil {
		t.runs.unread.WithLabelValues(field).Inc()
	}
}
