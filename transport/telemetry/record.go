package telemetry

import (
	"context"
	"log/slog"

	"github.com/postrider/postrider/transport"
)

// Record counts a record of the journal and writes its line at debug: one per
// attempt, skip and dead letter. A fan-out is neither.
func (t *Telemetry) Record(r *transport.Record) {
	if t == nil {
		return
	}
	switch r.Kind {
	case transport.Tried:
		t.attempts.count(r)
	case transport.Skipped:
		t.skipped.inc(r.Reason)
	case transport.DeadLettered:
		t.letters.inc(r.Reason)
	default:
		return
	}
	if t.log.Enabled(context.Background(), slog.LevelDebug) {
		t.write(r)
	}
}

func (t *Telemetry) write(r *transport.Record) {
	var room [12]slog.Attr
	attrs := append(room[:0], slog.String("event", r.EventID), slog.String("type", r.EventType),
		slog.String("customer", r.Customer), slog.String("endpoint", r.Endpoint))
	if r.Replay != 0 {
		attrs = append(attrs, slog.Uint64("replay", r.Replay))
	}
	message := "attempt"
	switch r.Kind {
	case transport.Tried:
		attrs = append(attrs, slog.Int("number", r.Number), slog.Int("status", r.Answer.Status),
			slog.String("class", r.Answer.Class.String()), slog.String("reason", r.Answer.Reason),
			slog.Duration("took", r.Answer.Took))
		if !r.NextAt.IsZero() {
			attrs = append(attrs, slog.Time("next", r.NextAt))
		}
	case transport.Skipped:
		message = "skipped"
		attrs = append(attrs, slog.String("reason", r.Reason))
	case transport.DeadLettered:
		message = "dead letter"
		attrs = append(attrs, slog.String("reason", r.Reason))
	}
	if r.Trace != (transport.TraceID{}) {
		attrs = append(attrs, slog.String("trace", r.Trace.String()))
	}
	t.log.LogAttrs(context.Background(), slog.LevelDebug, message, attrs...)
}

// StateChange counts an endpoint's coming to another state (active, paused,
// failing, disabled, removed) and writes its line at info.
func (t *Telemetry) StateChange(customer, endpoint, state, reason string) {
	if t == nil {
		return
	}
	c, known := t.stateChanges[state]
	if !known {
		c = t.stateChanges[other]
	}
	c.Inc()
	t.log.LogAttrs(context.Background(), slog.LevelInfo, "endpoint is "+state,
		slog.String("customer", customer), slog.String("endpoint", endpoint), slog.String("reason", reason))
}
