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
// the notice goes when its version is changed. What cannot be written now is
// tried again until it can, off the way of deliveries.
type hardwareNotices struct {
	registry hardwareRegistry
	now      func() time.Time
	log      *slog.Logger

	mu sync.Mutex
	// seen are endpoints that need no second look until they are changed.
	seen map[string]bool
	// due are endpoints to look at: at most each of the registry's once.
	due  map[string]bool
	wake chan struct{}
}

// hardwareRegistry is what the notices need of the registry.
type hardwareRegistry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	UpdateEndpoint(ctx context.Context, ep *transport.Endpoint) (uint64, error)
}

const (
	// hardwarePause is between two tries to write.
	hardwarePause  = time.Second
	hardwareNotice = "an event of other hardware came: "
)

func newHardwareNotices(r hardwareRegistry, now func() time.Time, log *slog.Logger) *hardwareNotices {
	return &hardwareNotices{registry: r, now: now, log: log,
		seen: map[string]bool{}, due: map[string]bool{}, wake: make(chan struct{}, 1)}
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[id] {
		return
	}
	h.seen[id] = true
	h.put(id)
}

// change takes one change of the registry in.
func (h *hardwareNotices) change(c transport.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Endpoint != nil && c.Endpoint.StateReason != "" && c.Endpoint.StateReason == noticeFor(c.Endpoint) {
		h.seen[c.ID] = true
		return
	}
	delete(h.seen, c.ID)
	if c.Endpoint != nil && isNotice(c.Endpoint.StateReason) {
		h.put(c.ID)
	}
}

// put makes id due; h.mu is held.
func (h *hardwareNotices) put(id string) {
	h.due[id] = true
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// noticeFor is the notice that ep may show; "" where v3 would not help.
func noticeFor(ep *transport.Endpoint) string {
	if ep.Format != "genea" || ep.Version == "v3" {
		return ""
	}
	return hardwareNotice + "version " + ep.Version + " does not cover it; choose v3"
}

func isNotice(reason string) bool { return strings.HasPrefix(reason, hardwareNotice) }

// run looks at what is due until ctx ends.
func (h *hardwareNotices) run(ctx context.Context) {
	for {
		for id, some := h.next(); some; id, some = h.next() {
			if !h.settle(ctx, id) {
				return
			}
		}
		select {
		case <-h.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (h *hardwareNotices) next() (id string, some bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.due {
		delete(h.due, id)
		return id, true
	}
	return "", false
}

// settle tries until the endpoint shows what it should; false when ctx ended first.
func (h *hardwareNotices) settle(ctx context.Context, id string) bool {
	for told := false; ; told = true {
		err := h.write(ctx, id)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case !errors.Is(err, transport.ErrUnavailable) && !errors.Is(err, transport.ErrConflict):
			h.log.Error("an endpoint's notice of other hardware cannot be written", "endpoint", id, "error", err)
			return true
		case !told && errors.Is(err, transport.ErrUnavailable):
			h.log.Warn("an endpoint's notice of other hardware cannot be written; trying until it can", "endpoint", id, "error", err)
		}
		select {
		case <-time.After(hardwarePause):
		case <-ctx.Done():
			return false
		}
	}
}

// write stores the notice that the endpoint should show, or its end, unless the
// endpoint was changed meanwhile.
func (h *hardwareNotices) write(ctx context.Context, id string) error {
	ep, there := h.registry.Endpoint(id)
	if !there {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.seen, id)
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
	case ep.State == transport.StateActive && h.sees(ep.ID):
		return noticeFor(ep)
	}
	return ""
}

func (h *hardwareNotices) sees(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id]
}
