package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
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
		time.Sleep(2 * hardwarePause) // the bubble's time
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
		time.Sleep(5 * hardwarePause)
		r.want(t, "", 2)
	})
}

// The real node: once both kinds of hardware were seen, v1 and v2 show it and go
// on; v3 has nothing to show, and editing to v3 ends it, after a restart too.
func TestOtherHardwareShowsAtTheEndpoint(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "sequr", 200)
	n.start()
	ids := map[string]string{}
	for _, version := range []string{"v1", "v2", "v3"} {
		ids[version] = n.addGenea(box.URL, "--version", version).ID
	}
	shows := func(version, reason string) bool {
		var ep transport.Endpoint
		if status, text := n.call(http.MethodGet, "/v1/endpoints/"+ids[version], "", &ep); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		if ep.State != transport.StateActive {
			t.Fatalf("%s is %s", version, ep.State)
		}
		return ep.StateReason == reason
	}
	n.publishSample("door.held_open", "m", "mercury")
	n.await("the notice of v1", func() bool { return shows("v1", noticeV1) })
	if !shows("v2", "") || !shows("v3", "") {
		t.Error("a notice where the hardware is covered")
	}
	n.publishSample("door.held_open", "x", "vertx")
	n.await("the notice of v2", func() bool { return shows("v2", noticeV2) && shows("v1", noticeV1) && shows("v3", "") })
	n.terminate()
	n.start()
	n.must("", "endpoint", "edit", ids["v1"], "--version", "v3")
	n.await("the end of the notice", func() bool { return shows("v1", "") && shows("v2", noticeV2) })
	n.publishSample("door.held_open", "m2", "mercury")
	n.await("all three to go on", func() bool { return len(box.times("m2")) == 3 })
}

// The real node: a filter chooses among the events of the types, what it fails
// at is counted, and none of it leaves a record.
func TestAFilterChoosesEvents(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "sequr", 200)
	n.start()
	n.addGenea(box.URL, "--events", "door.>", "--filter", "event.data.door.name == 'Main'")
	publish := func(typ, id, doc string) {
		n.must(doc, "publish", "events.acme."+typ, "-", "--id", id, "--nats-url", "nats://"+n.nats)
	}
	publish("door.opened", "other", `{"door":{"name":"Side"}}`)
	publish("door.opened", "none", `{"door":null}`)
	publish("access.granted", "type", `{}`)
	publish("door.opened", "main", `{"door":{"name":"Main"}}`)
	n.await("the event of the main door", func() bool { return len(box.times("main")) == 1 })
	n.await("the audit of one", func() bool { return strings.Contains(n.must("", "audit", "-o", "json"), `"owed": 1`) })
	if ids, _ := box.count(); ids != 1 || n.metric("postrider_filter_errors_total") != 1 || n.metric("postrider_unrouted_total") != 3 {
		t.Errorf("%d events came, %v errors of filters, %v wanted by nobody", ids, n.metric("postrider_filter_errors_total"), n.metric("postrider_unrouted_total"))
	}
}
