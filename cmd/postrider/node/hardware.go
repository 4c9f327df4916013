package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// hardwareNotices shows, in the state_reason of an endpoint of genea v1 or v2,
// that an event came which its version does not cover. The endpoint goes on;
// the notice goes when its version is changed. Notices are written off the way
// of deliveries.
type hardwareNotices struct {
	*outbox[string] // ids of endpoints to look at
	registry        hardwareRegistry
	now             func() time.Time

	// known are endpoints that need no second look until they are changed.
	knownMu sync.Mutex
	known   map[string]bool
}

// hardwareRegistry is what the notices need of the registry.
type hardwareRegistry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	UpdateEndpoint(ctx context.Context, ep *transport.Endpoint) (uint64, error)
}

const hardwareNotice = "an event of other hardware came: "

func newHardwareNotices(r hardwareRegistry, now func() time.Time, log *slog.Logger) *hardwareNotices {
	h := &hardwareNotices{registry: r, now: now, known: map[string]bool{}}
	h.outbox = newOutbox(outboxOptions[string]{
		what: "an endpoint's notice of other hardware", write: h.write, log: log,
		which: func(id string) []any { return []any{"endpoint", id} },
		never: func(err error) bool {
			return !errors.Is(err, transport.ErrUnavailable) && !errors.Is(err, transport.ErrConflict)
		},
	})
	return h
}

// observer lets the metrics, the notices and the news of dead letters see each record.
type observer struct {
	*telemetry.Telemetry
	hardware *hardwareNotices
	letters  *letterNews
}

func (o observer) Record(r *transport.Record) {
	o.Telemetry.Record(r)
	if o.letters != nil {
		o.letters.record(r)
	}
	if r.Kind == transport.Skipped && r.Reason == transport.ReasonHardware {
		o.hardware.skipped(r.Endpoint)
	}
}

// skipped takes note of an endpoint whose version did not cover an event.
func (h *hardwareNotices) skipped(id string) {
	if h.know(id, true) {
		h.put(id)
	}
}

// change takes one change of the registry in.
func (h *hardwareNotices) change(c transport.Change) {
	if c.Endpoint != nil && c.Endpoint.StateReason != "" && c.Endpoint.StateReason == noticeFor(c.Endpoint) {
		h.know(c.ID, true)
		return
	}
	h.know(c.ID, false)
	if c.Endpoint != nil && isNotice(c.Endpoint.StateReason) {
		h.put(c.ID)
	}
}

// know tells whether that is new of the endpoint.
func (h *hardwareNotices) know(id string, is bool) (changed bool) {
	h.knownMu.Lock()
	defer h.knownMu.Unlock()
	changed = h.known[id] != is
	if h.known[id] = is; !is {
		delete(h.known, id)
	}
	return changed
}

// noticeFor is the notice that ep may show; "" where v3 would not help.
func noticeFor(ep *transport.Endpoint) string {
	if ep.Format != "genea" || ep.Version == "v3" {
		return ""
	}
	return hardwareNotice + "version " + ep.Version + " does not cover it; choose v3"
}

func isNotice(reason string) bool { return strings.HasPrefix(reason, hardwareNotice) }

// write stores the notice that the endpoint should show, or its end, unless the
// endpoint was changed meanwhile.
func (h *hardwareNotices) write(ctx context.Context, id string) error {
	ep, there := h.registry.Endpoint(id)
	if !there {
		h.know(id, false)
		return nil
	}
	next := *ep
	if next.StateReason = h.reasonFor(ep); next.StateReason == ep.StateReason {
		return nil
	}
	next.UpdatedAt = h.now().UTC()
	if _, err := h.registry.UpdateEndpoint(ctx, &next); err != nil && !errors.Is(err, transport.ErrNotFound) {
		return fmt.Errorf("write the notice %q: %w", next.StateReason, err)
	}
	return nil
}

// reasonFor is the state_reason that ep should show: any but a notice is left.
func (h *hardwareNotices) reasonFor(ep *transport.Endpoint) string {
	switch said := ep.StateReason; {
	case said == noticeFor(ep) || said != "" && !isNotice(said):
		return said
	case ep.State == transport.StateActive && h.knows(ep.ID):
		return noticeFor(ep)
	}
	return ""
}

func (h *hardwareNotices) knows(id string) bool {
	h.knownMu.Lock()
	defer h.knownMu.Unlock()
	return h.known[id]
}
