package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

// noticeRegistry is a registry of one endpoint that tells its changes.
type noticeRegistry struct {
	mu     sync.Mutex
	ep     *transport.Endpoint
	fails  []error // of the next writes, oldest first
	writes int
	told   func(transport.Change)
}

func (r *noticeRegistry) Endpoint(id string) (*transport.Endpoint, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ep, r.ep != nil && r.ep.ID == id
}

func (r *noticeRegistry) UpdateEndpoint(_ context.Context, ep *transport.Endpoint) (uint64, error) {
	r.mu.Lock()
	r.writes++
	if len(r.fails) > 0 {
		defer r.mu.Unlock()
		err := r.fails[0]
		r.fails = r.fails[1:]
		return 0, err
	}
	r.mu.Unlock()
	r.edit(func(now *transport.Endpoint) { *now = *ep })
	return 1, nil
}

// fail makes the next writes fail so.
func (r *noticeRegistry) fail(errs ...error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = errs
}

// edit changes the endpoint, whoever does it.
func (r *noticeRegistry) edit(f func(*transport.Endpoint)) {
	r.mu.Lock()
	next := *r.ep
	f(&next)
	r.ep = &next
	r.mu.Unlock()
	r.told(transport.Change{ID: next.ID, Customer: next.Customer, Endpoint: &next})
}

func (r *noticeRegistry) want(t *testing.T, reason string, writes int) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ep.StateReason != reason || r.writes != writes {
		t.Errorf("it shows %q after %d writes, want %q after %d", r.ep.StateReason, r.writes, reason, writes)
	}
}

// withNotices runs f beside the notices of an active endpoint of genea v1.
func withNotices(t *testing.T, f func(r *noticeRegistry, skip func())) {
	synctest.Test(t, func(t *testing.T) {
		r := &noticeRegistry{ep: &transport.Endpoint{ID: "a", Enabled: true, State: transport.StateActive, Format: "genea", Version: "v1"}}
		h := newHardwareNotices(r, time.Now, slog.New(slog.DiscardHandler))
		r.told = h.change
		h.change(transport.Change{ID: "a", Endpoint: r.ep})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var running sync.WaitGroup
		running.Go(func() { h.run(ctx) })
		o := observer{hardware: h}
		f(r, func() {
			o.Record(&transport.Record{Kind: transport.Skipped, Reason: transport.ReasonHardware, Endpoint: "a"})
		})
		cancel()
		running.Wait()
	})
}

const (
	noticeV1 = "an event of other hardware came: version v1 does not cover it; choose v3"
	noticeV2 = "an event of other hardware came: version v2 does not cover it; choose v3"
)

func TestANoticeIsWrittenOnceAndGoesWithTheVersion(t *testing.T) {
	withNotices(t, func(r *noticeRegistry, skip func()) {
		for range 3 {
			skip()
			r.want(t, noticeV1, 1)
		}
		r.edit(func(ep *transport.Endpoint) { ep.Name = "renamed" })
		skip()
		r.want(t, noticeV1, 1)
		r.edit(func(ep *transport.Endpoint) { ep.Version = "v2" })
		r.want(t, "", 2)
		skip()
		r.want(t, noticeV2, 3)
		r.edit(func(ep *transport.Endpoint) { ep.Version = "v3" })
		r.want(t, "", 4)
		skip() // hardware that no version covers
		r.want(t, "", 4)
	})
}

func TestANoticeTakesNothingElsesPlace(t *testing.T) {
	withNotices(t, func(r *noticeRegistry, skip func()) {
		r.edit(func(ep *transport.Endpoint) {
			ep.State, ep.StateReason = transport.StatePaused, "paused by hand"
		})
		skip()
		r.want(t, "paused by hand", 0)
		r.edit(func(ep *transport.Endpoint) { ep.State, ep.StateReason = transport.StateActive, "" })
		skip()
		r.want(t, noticeV1, 1)
		r.edit(func(ep *transport.Endpoint) {
			ep.Version, ep.State, ep.StateReason = "v3", transport.StateDisabled, "gone"
		})
		r.want(t, "gone", 1)
	})
}

func TestANoticeIsTriedUntilItIsWritten(t *testing.T) {
	withNotices(t, func(r *noticeRegistry, skip func()) {
		r.fail(fmt.Errorf("away: %w", transport.ErrUnavailable), fmt.Errorf("other: %w", transport.ErrConflict))
		skip()
		r.want(t, "", 1)
		time.Sleep(2 * outboxPause) // the bubble's time
		r.want(t, noticeV1, 3)
	})
}

// The endpoint is gone, or can never be written: nothing is tried for ever.
func TestANoticeThatCannotBeWrittenIsLetGo(t *testing.T) {
	withNotices(t, func(r *noticeRegistry, skip func()) {
		r.fail(fmt.Errorf("gone: %w", transport.ErrNotFound))
		skip()
		r.want(t, "", 1)
		r.edit(func(*transport.Endpoint) {})
		r.fail(fmt.Errorf("never"))
		skip()
		time.Sleep(5 * outboxPause)
		r.want(t, "", 2)
	})
}
