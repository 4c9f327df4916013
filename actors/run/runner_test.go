package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/jet/runs"
)

// fixture is a Runner on a real embedded NATS server.
type fixture struct {
	t       *testing.T
	store   *store.Store
	js      jetstream.JetStream
	reports chan storedReport
}

type storedReport struct {
	matching.Report
	seq uint64
	at  time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Options: jet.Options{DataDir: t.TempDir(), SyncInterval: 2 * time.Minute, MaxStore: 1 << 30, MasterKey: make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	h := &fixture{t: t, store: s, reports: make(chan storedReport, 100)}
	if h.js, err = jetstream.New(s.NATS(), jetstream.WithPublishAsyncMaxPending(1<<17)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, 3)
	t.Cleanup(func() {
		cancel()
		for range cap(ended) {
			<-ended
		}
		closing, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		if err := s.Close(closing); err != nil {
			t.Error(err)
		}
	})
	r := New(Options{Detections: s.Detections(), Records: s.Runs, Reports: s.Events, Cursors: s.Runs.Cursors(), Alerts: s.Alerts, Schedules: s.Runs,
		Number: func(string) int64 { return 123 }})
	s.Alerts.Subscribe(func(c registry.AlertChange) { r.Change(c.Customer, c.ID, (*Alert)(c.Alert)) })
	s.Alerts.SubscribeCustomers(r.Customer)
	if err := errors.Join(s.Registry.Start(t.Context()), s.Alerts.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	go func() { r.Run(ctx); ended <- struct{}{} }()
	go func() {
		if err := s.Runs.Triggers(ctx, func(t *runs.Trigger) { r.Trigger(t.Key, t) }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ended <- struct{}{}
	}()
	go func() { h.listen(ctx); ended <- struct{}{} }()
	return h
}

// listen gives the reports as they are stored.
func (h *fixture) listen(ctx context.Context) {
	cons, err := h.js.OrderedConsumer(ctx, jet.StreamEvents, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"events.*.alert.matches_found"}})
	if err != nil {
		h.t.Error(err)
		return
	}
	running, err := cons.Consume(func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err != nil {
			h.t.Error(err)
			return
		}
		ev, err := h.store.Events.Event(ctx, meta.Sequence.Stream)
		for errors.Is(err, transport.ErrUnavailable) && ctx.Err() == nil { // a large payload, on a busy machine
			ev, err = h.store.Events.Event(ctx, meta.Sequence.Stream)
		}
		r := storedReport{seq: meta.Sequence.Stream, at: time.Now()}
		if err == nil {
			err = json.Unmarshal(ev.Data, &r.Report)
		}
		if err != nil || ev.ID != r.RunID {
			h.t.Errorf("event %+v: %v", ev, err)
		}
		h.reports <- r
	})
	if err != nil {
		h.t.Error(err)
		return
	}
	<-ctx.Done()
	running.Stop()
	<-running.Closed()
}

func (h *fixture) report() storedReport {
	h.t.Helper()
	select {
	case r := <-h.reports:
		return r
	case <-time.After(5 * time.Minute): // patience, on a busy machine
		h.t.Fatal("waited in vain for a report")
		panic("unreachable")
	}
}

func (h *fixture) add(alertType, plate string) *matching.Alert {
	h.t.Helper()
	a := matching.NewAlert()
	a.ID, a.Customer, a.AlertName, a.Email, a.AlertType, a.LicensePlate = uuid.NewString(), "acme", alertType, "a@example.com", alertType, plate
	revision, err := h.store.Alerts.CreateAlert(h.t.Context(), &a)
	if err == nil {
		err = h.store.Alerts.WaitAlerts(h.t.Context(), revision)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return &a
}

func (h *fixture) see(plate string, times int) {
	h.t.Helper()
	for i := range times {
		if _, err := h.js.PublishAsync("detections.cam1", fmt.Appendf(nil, `{"license_plate":%q,"id":"%d"}`, plate, i)); err != nil {
			h.t.Fatal(err)
		}
	}
	<-h.js.PublishAsyncComplete()
}

func (h *fixture) run(runType string) *transport.Run {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute)
	defer cancel()
	run, err := h.store.Runs.StartRun(ctx, transport.RunKey{Customer: "acme", Type: runType}, true)
	if err != nil || ctx.Err() != nil {
		h.t.Fatal(err, ctx.Err())
	}
	return run
}

// A live match is out without waiting for anything; how long that took is told
// and not judged, as the machine may be busy.
func TestLiveMatchesAreOutAtOnce(t *testing.T) {
	h := newFixture(t)
	h.add("live", "AAA111")
	for range 5 {
		began := time.Now()
		h.see("AAA111", 3)
		r := h.report()
		if r.TotalMatches != 3 || r.AlertType != "live" || r.CustomerID != 123 {
			t.Errorf("%d %s matches", r.TotalMatches, r.AlertType)
		}
		t.Logf("out after %s", r.at.Sub(began))
	}
}

// Under a steady stream what a second brings is one report.
func TestLiveMatchesAreConsolidated(t *testing.T) {
	h := newFixture(t)
	h.add("live", "AAA111")
	var sent []time.Time
	reports, matches := 0, 0
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(sent) < 100 {
		<-tick.C
		sent = append(sent, time.Now())
		h.see("AAA111", 1)
	}
	for matches < len(sent) {
		r := h.report()
		reports, matches = reports+1, matches+r.TotalMatches
	}
	// Seconds that were begun, of a machine that may be busy.
	if most := int(sent[len(sent)-1].Sub(sent[0])/time.Second) + 8; matches != len(sent) || reports > most {
		t.Errorf("%d matches of %d in %d reports", matches, len(sent), reports)
	}
	t.Logf("%d matches over %s in %d reports", matches, sent[len(sent)-1].Sub(sent[0]), reports)
}

// 50,000 matches are one event, whole and in order.
func TestFiftyThousandMatches(t *testing.T) {
	const n = 50_000
	h := newFixture(t)
	h.add("hot", "AAA111")
	h.see("AAA111", n)
	run := h.run(transport.RunSummary)
	if run == nil || run.Matches != n || run.Detections != n || run.State != transport.RunDone || run.Event == 0 {
		t.Fatalf("%+v", run)
	}
	r := h.report()
	if r.TotalMatches != n || len(r.Matches) != n || len(r.AlertDetails) != 1 || r.RunID != run.ID || r.seq != run.Event {
		t.Errorf("%d matches, %d in total", len(r.Matches), r.TotalMatches)
	}
	if again := h.run("hot"); again.Matches != 0 || again.Detections != 0 || again.From != uint64(n)+1 {
		t.Errorf("%+v", again)
	}
	page, _, err := h.store.Runs.Runs(t.Context(), "acme", "", "", 10)
	if err != nil || len(page) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

// An alert that moves is run on from its own place: from normal to live at once.
func TestAnAlertThatMoves(t *testing.T) {
	h := newFixture(t)
	h.add("live", "BBB222") // so that live runs are ahead
	a := h.add("normal", "AAA111")
	h.see("AAA111", 2)
	h.run("normal")
	if r := h.report(); r.TotalMatches != 2 || r.AlertType != "normal" {
		t.Fatalf("%+v", r)
	}
	h.see("AAA111", 3)
	h.see("BBB222", 1)
	if r := h.report(); r.TotalMatches != 1 {
		t.Fatalf("%+v", r)
	}
	next := *a
	next.AlertType = "live"
	stored, there := h.store.Alerts.Stored(a.ID)
	if !there {
		t.Fatal("it is gone")
	}
	if _, err := h.store.Alerts.UpdateAlert(t.Context(), &next, stored.Revision); err != nil {
		t.Fatal(err)
	}
	if r := h.report(); r.TotalMatches != 3 || r.AlertType != "live" {
		t.Errorf("what the daily run had not told yet: %+v", r)
	}
	h.see("AAA111", 4)
	if r := h.report(); r.TotalMatches != 4 || r.AlertType != "live" {
		t.Errorf("%+v", r)
	}
}

// Schedules follow the alerts and the customer's settings.
func TestSchedulesFollow(t *testing.T) {
	h := newFixture(t)
	until := func(want map[transport.RunKey]transport.RunSchedule) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(10 * time.Second); ; <-tick.C {
			got, err := h.store.Runs.Schedules(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) == fmt.Sprint(want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%v, want %v", got, want)
			}
		}
	}
	key := func(t string) transport.RunKey { return transport.RunKey{Customer: "acme", Type: t} }
	a := h.add("hot", "AAA111")
	until(map[transport.RunKey]transport.RunSchedule{key("hot"): {Cron: "*/15 * * * *", Zone: "UTC"}})
	c, err := h.store.Registry.EnsureCustomer(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	next := *c
	next.TimeZone, next.Schedules = "America/Chicago", map[string]string{"hot": "5 * * * *"}
	if err := h.store.Registry.PutCustomer(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	h.add("normal", "BBB222")
	until(map[transport.RunKey]transport.RunSchedule{key("hot"): {Cron: "5 * * * *", Zone: "America/Chicago"}, key("normal"): {Cron: "0 7 * * *", Zone: "America/Chicago"}})
	if _, err := h.store.Alerts.RemoveAlert(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	until(map[transport.RunKey]transport.RunSchedule{key("normal"): {Cron: "0 7 * * *", Zone: "America/Chicago"}})
}
