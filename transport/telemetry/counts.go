package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/transport"
)

// other takes in every reason that is not on a list, so that labels stay bounded.
const other = "other"

var (
	failures = []transport.Class{transport.Failed, transport.Throttled, transport.Gone,
		transport.Refused, transport.Aborted}
	failureReasons = []string{transport.ReasonStatus, transport.ReasonGone, transport.ReasonRedirect, transport.ReasonTimeout,
		transport.ReasonConnect, transport.ReasonTLS, transport.ReasonDNS, transport.ReasonProtocol,
		transport.ReasonAddressRefused, transport.ReasonProxy, transport.ReasonRelay, transport.ReasonLocal, transport.ReasonAborted,
		transport.ReasonUnrenderable, transport.ReasonNotReadable, transport.ReasonFilterCost, other}
	skipReasons = []string{transport.ReasonDuplicate, transport.ReasonExpired, transport.ReasonNoMatches,
		transport.ReasonHardware, transport.ReasonFilterCost, transport.ReasonEndpointRemoved, transport.ReasonEndpointDisabled, other}
	letterReasons = []string{transport.ReasonExhausted, transport.ReasonGone, transport.ReasonRetriesOff, transport.ReasonBacklogFull,
		transport.ReasonEndpointRemoved, transport.ReasonEndpointDisabled, transport.ReasonPanic,
		transport.ReasonNotJSON, transport.ReasonBadSubject, transport.ReasonBadCloudEvent,
		transport.ReasonBadID, transport.ReasonPayloadGone, transport.ReasonEventGone, transport.ReasonHardware,
		transport.ReasonUnrenderable, transport.ReasonNotReadable, other}
	breakerStates = []string{"closed", "open", "probing"}
	states        = []string{"active", "paused", "failing", "disabled", "removed", other}
)

// reasons are counters resolved once, by their label.
type reasons map[string]prometheus.Counter

func (r reasons) inc(reason string) {
	c, known := r[reason]
	if !known {
		c = r[other]
	}
	c.Inc()
}

func (t *Telemetry) newReasons(name, help string, list []string) reasons {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help},
		[]string{"reason"})
	t.registry.MustRegister(vec)
	r := make(reasons, len(list))
	for _, reason := range list {
		r[reason] = vec.WithLabelValues(reason)
	}
	return r
}

// exemplarTrace is the exemplars' label, by the name that Grafana looks for.
const exemplarTrace = "trace_id"

// histogram is one of a vector, which Prometheus gives as an Observer.
type histogram interface {
	prometheus.Observer
	prometheus.ExemplarObserver
}

// attempts are the counters and durations of attempts, by what came of them.
type attempts struct {
	delivered prometheus.Counter
	failed    [8]reasons // by transport.Class
	took      [8]histogram
}

func (t *Telemetry) newAttempts() attempts {
	a := attempts{delivered: t.counter("delivered_total", "Pairs delivered.")}
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "failed_total",
		Help: "Attempts that delivered nothing, by class and reason."}, []string{"class", "reason"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace,
		Name: "attempt_duration_seconds", Help: "How long attempts took, by class.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}},
		[]string{"class"})
	t.registry.MustRegister(failed, took)
	a.took[transport.Delivered] = took.WithLabelValues(transport.Delivered.String()).(histogram)
	for _, class := range failures {
		a.took[class] = took.WithLabelValues(class.String()).(histogram)
		a.failed[class] = make(reasons, len(failureReasons))
		for _, reason := range failureReasons {
			a.failed[class][reason] = failed.WithLabelValues(class.String(), reason)
		}
	}
	return a
}

func (a *attempts) count(r *transport.Record) {
	answer := &r.Answer
	class := answer.Class
	if int(class) >= len(a.took) || a.took[class] == nil {
		return // no class: no attempt
	}
	if r.Sampled { // an exemplar: from a slow attempt's bucket to its trace
		a.took[class].ObserveWithExemplar(answer.Took.Seconds(), prometheus.Labels{exemplarTrace: r.Trace.String()})
	} else {
		a.took[class].Observe(answer.Took.Seconds())
	}
	if class == transport.Delivered {
		a.delivered.Inc()
		return
	}
	a.failed[class].inc(answer.Reason)
}

func (t *Telemetry) newStateChanges() map[string]prometheus.Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "state_changes_total",
		Help: "Changes of endpoints' states, by the state they came to."}, []string{"state"})
	t.registry.MustRegister(vec)
	m := make(map[string]prometheus.Counter, len(states))
	for _, state := range states {
		m[state] = vec.WithLabelValues(state)
	}
	return m
}
