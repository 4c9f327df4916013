package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// alertTypes bound the label; what is none of them is other.
var alertTypes = []string{"normal", "hot", "live", other}

// runMetrics are of runs of alerts, by the type of the alerts. They are there,
// at 0, before the first run.
type runMetrics map[string]*typedRuns

type typedRuns struct {
	duration        prometheus.Observer
	matches, failed prometheus.Counter
}

func (t *Telemetry) newRunMetrics() runMetrics {
	label := []string{"alert_type"}
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "run_duration_seconds",
		Help: "Time from a run's record to its end, by type of alert.", Buckets: []float64{.005, .02, .1, .5, 1, 5, 20, 60, 300, 1800}}, label)
	matches := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "run_matches_total",
		Help: "Matches that runs reported, by type of alert."}, label)
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "runs_failed_total",
		Help: "Runs that failed and are tried again, each counted once, by type of alert."}, label)
	t.fieldsUnread = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "detection_fields_unread_total",
		Help: "Fields of detections that could not be read and were left out, by field."}, []string{"field"})
	t.registry.MustRegister(duration, matches, failed, t.fieldsUnread)
	m := runMetrics{}
	for _, typ := range alertTypes {
		m[typ] = &typedRuns{duration.WithLabelValues(typ), matches.WithLabelValues(typ), failed.WithLabelValues(typ)}
	}
	return m
}

func (m runMetrics) of(alertType string) *typedRuns {
	if r, known := m[alertType]; known {
		return r
	}
	return m[other]
}

// RunFinished counts a run of alerts, how long it took and what it matched.
func (t *Telemetry) RunFinished(alertType string, took time.Duration, matches int) {
	if t == nil {
		return
	}
	r := t.runs.of(alertType)
	r.duration.Observe(took.Seconds())
	r.matches.Add(float64(matches))
}

// RunFailed counts a run that failed and is tried again.
func (t *Telemetry) RunFailed(alertType string) {
	if t != nil {
		t.runs.of(alertType).failed.Inc()
	}
}

// DetectionFieldUnread counts a field of a detection, one of the 22 that there
// are, that could not be read.
func (t *Telemetry) DetectionFieldUnread(field string) {
	if t != nil {
		t.fieldsUnread.WithLabelValues(field).Inc()
	}
}
