package telemetry

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "postrider"

// Telemetry counts what a node does and writes the line per attempt.
type Telemetry struct {
	registry *prometheus.Registry
	log      *slog.Logger

	published, unrouted prometheus.Counter
	filterErrors        prometheus.Counter
	putAway             prometheus.Counter
	quotas              *prometheus.CounterVec
	away                prometheus.Gauge
	attempts            attempts
	deferred            prometheus.Counter
	skipped, letters    reasons
	inFlight            prometheus.Gauge
	journal             journal
	ledgerErrors        prometheus.Counter
	ledgerFellBack      prometheus.Counter
	ledgerFallback      prometheus.Gauge
	lost                map[string]prometheus.Counter
	stateChanges        map[string]prometheus.Counter
	runs                runMetrics
	fieldsUnread        *prometheus.CounterVec
	refusals            *refusals
	publishes           *prometheus.CounterVec
	spansSent           prometheus.Counter
	spansDropped        prometheus.Counter
	takeovers           prometheus.Counter
	guardRefused        prometheus.Counter
	dropped             *prometheus.CounterVec
}

type journal struct {
	batches, records, errors prometheus.Counter
	duration                 prometheus.Histogram
}

// New makes a Telemetry with a registry of its own; version goes into
// postrider_build_info. Lines go to slog.Default until LogTo says otherwise.
func New(version string) *Telemetry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t := &Telemetry{registry: r, log: slog.Default()}
	t.published = t.counter("published_total", "Events of the log that this node took up for delivery, duplicates left out.")
	t.unrouted = t.counter("unrouted_total", "Events that no endpoint wanted.")
	t.quotas = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "quota_levels_total",
		Help: "Times that a customer came near the bound of a quota (80 %), or reached it; at most once an hour for each."}, []string{"quota", "level"})
	t.registry.MustRegister(t.quotas)
	t.putAway = t.counter("put_away_total", "Endpoints whose filter or template cost too much time and was put away for a while.")
	t.away = t.gauge("put_away", "Endpoints whose filter or template is put away now.")
	t.takeovers = t.counter("shard_takeovers_total", "How often this node took the shard.")
	t.guardRefused = t.counter("guarded_writes_refused_total", "Writes refused since another node owns the shard.")
	t.filterErrors = t.counter("filter_errors_total", "Pairs not wanted since the endpoint's filter failed at the event.")
	t.deferred = t.counter("deferred_total", "Entries parked until later.")
	t.attempts = t.newAttempts()
	t.skipped = t.newReasons("skipped_total", "Pairs or events skipped, by reason.", skipReasons)
	t.letters = t.newReasons("dead_lettered_total", "Pairs or documents given up, by reason.", letterReasons)
	t.inFlight = t.gauge("in_flight", "Attempts under way.")
	t.journal = t.newJournal()
	t.ledgerErrors = t.counter("ledger_errors_total", "Failed calls to the ledger.")
	t.ledgerFellBack = t.counter("ledger_fallback_events_total", "Events with an id that only this node's own memory could check.")
	t.ledgerFallback = t.gauge("ledger_fallback", "1 while dedup falls back to this node's own memory.")
	t.lost = t.newLost()
	t.stateChanges = t.newStateChanges()
	t.spansSent = t.counter("spans_sent_total", "Spans of traces that the collector took.")
	t.spansDropped = t.counter("spans_dropped_total", "Spans of traces that found the queue full, or that the collector did not take.")
	t.runs = t.newRunMetrics()
	t.refusals = t.newRefusals()
	t.publishes = t.newPublishRefusals()
	t.dropped = t.newDropped()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info",
		Help: "1, with the version that runs."}, []string{"version"})
	r.MustRegister(build)
	build.WithLabelValues(version).Set(1)
	return t
}

// LogTo sets where lines go, before the first is written, and returns t.
func (t *Telemetry) LogTo(log *slog.Logger) *Telemetry {
	t.log = log
	return t
}

// Handler serves the metrics: in Prometheus' text format, or, where it is asked
// for, as OpenMetrics, which has exemplars.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Published counts n events of the log that were taken up for delivery.
func (t *Telemetry) Published(n int) {
	if t != nil {
		t.published.Add(float64(n))
	}
}

// Unreadable counts a document of the log that was buried unread.
func (t *Telemetry) Unreadable(reason string) {
	if t != nil {
		t.letters.inc(reason)
	}
}

// Unrouted counts an event that no endpoint wanted.
func (t *Telemetry) Unrouted() {
	if t != nil {
		t.unrouted.Inc()
	}
}

// FilterError counts an event that an endpoint's filter failed at.
func (t *Telemetry) FilterError() {
	if t != nil {
		t.filterErrors.Inc()
	}
}

// PutAway counts an endpoint whose filter or template was put away.
func (t *Telemetry) PutAway() {
	if t != nil {
		t.putAway.Inc()
	}
}

// Quota counts that a customer came near the bound of a quota, or reached it.
func (t *Telemetry) Quota(quota string, reached bool) {
	if t == nil {
		return
	}
	level := "near"
	if reached {
		level = "reached"
	}
	t.quotas.WithLabelValues(quota, level).Inc()
}

// EndpointsAway shows how many endpoints' expressions are put away now.
func (t *Telemetry) EndpointsAway(n int) {
	if t != nil {
		t.away.Set(float64(n))
	}
}

// Spans counts spans of traces that the collector took, and those that were dropped.
func (t *Telemetry) Spans(sent, dropped int) {
	if t != nil {
		t.spansSent.Add(float64(sent))
		t.spansDropped.Add(float64(dropped))
	}
}

// Deferred counts n entries that were parked.
func (t *Telemetry) Deferred(n int) {
	if t != nil {
		t.deferred.Add(float64(n))
	}
}

// InFlight adds delta to the attempts under way: 1 at the start, -1 at the end.
func (t *Telemetry) InFlight(delta int) {
	if t != nil {
		t.inFlight.Add(float64(delta))
	}
}

// JournalBatch counts one batch of the journal: its records, how long it took
// to become durable, and whether it failed.
func (t *Telemetry) JournalBatch(records int, took time.Duration, err error) {
	if t == nil {
		return
	}
	t.journal.batches.Inc()
	t.journal.duration.Observe(took.Seconds())
	if err != nil {
		t.journal.errors.Inc()
		return
	}
	t.journal.records.Add(float64(records))
}

// LedgerError counts a failed call to the ledger.
func (t *Telemetry) LedgerError() {
	if t != nil {
		t.ledgerErrors.Inc()
	}
}

// LedgerFellBack counts n events whose id only this node's own memory could check.
func (t *Telemetry) LedgerFellBack(n int) {
	if t != nil {
		t.ledgerFellBack.Add(float64(n))
	}
}

// LedgerFallback tells whether dedup falls back to the node's own memory.
func (t *Telemetry) LedgerFallback(on bool) {
	if t == nil {
		return
	}
	t.ledgerFallback.Set(0)
	if on {
		t.ledgerFallback.Set(1)
	}
}

func (t *Telemetry) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	t.registry.MustRegister(c)
	return c
}

func (t *Telemetry) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	t.registry.MustRegister(g)
	return g
}

func (t *Telemetry) newJournal() journal {
	j := journal{
		batches: t.counter("journal_batches_total", "Batches of the journal, failed ones included."),
		records: t.counter("journal_records_total", "Records made durable in the journal."),
		errors:  t.counter("journal_errors_total", "Batches of the journal that failed."),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace,
			Name: "journal_batch_duration_seconds", Help: "Time until a batch of the journal is durable.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}}),
	}
	t.registry.MustRegister(j.duration)
	return j
}
