package registry

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func startAlerts(t testing.TB, s *Store) *Alerts {
	t.Helper()
	if err := s.Alerts().Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	return s.Alerts()
}

func createAlert(t testing.TB, r *Alerts, a *matching.Alert) *Alert {
	t.Helper()
	return alertAt(t, r, a.ID, func() (uint64, error) { return r.CreateAlert(jettest.Context(t), a) })
}

// alertAt gives the alert once a change is in effect.
func alertAt(t testing.TB, r *Alerts, id string, change func() (uint64, error)) *Alert {
	t.Helper()
	revision, err := change()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitAlerts(jettest.Context(t), revision); err != nil {
		t.Fatal(err)
	}
	got, there := r.Stored(id)
	if !there || got.Revision != revision {
		t.Fatalf("there %v, %+v; want revision %d", there, got, revision)
	}
	return got
}

func TestAlertLife(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	r := s.Alerts()
	var changes []AlertChange
	r.Subscribe(func(c AlertChange) { changes = append(changes, c) })
	startAlerts(t, s)
	ctx := jettest.Context(t)

	jettest.Publish(t, s.js, "detections.cam1", `{}`)
	a := jettest.Alert("acme", matching.AlertNormal)
	first := createAlert(t, r, a)
	jettest.Eventually(t, func() bool { // its customer comes by a watch of its own
		first, _ = r.Stored(a.ID)
		return first.Zone != nil
	})
	if first.Position != 1 || a.Position != 1 || first.Zone == nil || first.Zone.String() != "UTC" {
		t.Errorf("a new alert matches what comes from now on, in UTC: %+v", first)
	}
	if c, there := registryOf(t, s).Customer("acme"); !there || c.CustomerID != 1 {
		t.Errorf("the customer came to be with its alert: %+v", c)
	}

	jettest.Publish(t, s.js, "detections.cam1", `{}`)
	next := first.Alert
	next.Description, next.VIN = "edited", "004352"
	edited := alertAt(t, r, a.ID, func() (uint64, error) { return r.UpdateAlert(ctx, &next, first.Revision) })
	if edited.Position != 2 || edited.Description != "edited" || first.Description != "" {
		t.Errorf("other criteria match what comes from now on: %+v", edited)
	}
	if _, err := r.UpdateAlert(ctx, &next, first.Revision); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("an update of an old state: %v", err)
	}
	if _, err := r.CreateAlert(ctx, a); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("the same id again: %v", err)
	}
	if got := r.Alerts("acme"); len(got) != 1 || len(r.Alerts("")) != 1 || len(r.Alerts("globex")) != 0 {
		t.Errorf("lists: %v", got)
	}

	revision, err := r.RemoveAlert(ctx, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitAlerts(ctx, revision); err != nil {
		t.Fatal(err)
	}
	if _, _, there := r.Alert(a.ID); there {
		t.Error("it is still there")
	}
	if _, err := r.RemoveAlert(ctx, a.ID); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := r.UpdateAlert(ctx, &next, edited.Revision); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("update of what is not there: %v", err)
	}
	// Told again with its customer, where that came after it.
	changes = slices.CompactFunc(changes, func(a, b AlertChange) bool { return a.Revision == b.Revision })
	if len(changes) != 3 || changes[2].Alert != nil || changes[2].Customer != "acme" || changes[2].Revision != revision {
		t.Errorf("told %+v", changes)
	}
	if last, err := r.Revision(ctx); err != nil || last != revision {
		t.Errorf("the last revision is %d, %v", last, err)
	}
}

// A change of a customer is in effect when it is answered, for whoever Alerts
// tells of customers too: the customer's mailbox is there.
func TestACustomersChangeIsInEffectForAlerts(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	begin := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(begin) })
	t.Cleanup(goOn)
	var told []string
	s.Alerts().SubscribeCustomers(func(c *transport.Customer) {
		<-begin
		told = append(told, c.Email)
	})
	startAlerts(t, s)
	startRegistry(t, s)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Registry().PutCustomer(jettest.Context(t), &transport.Customer{ID: "acme", Email: "boss@example.com"})
	}()
	jettest.Eventually(t, func() bool { _, there := s.Registry().Customer("acme"); return there })
	select {
	case err := <-ended:
		t.Fatalf("it was answered (%v) before all were told", err)
	case <-time.After(50 * time.Millisecond):
	}
	goOn()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0] != "boss@example.com" {
		t.Errorf("told %q", told)
	}
}

func registryOf(t testing.TB, s *Store) *Registry {
	t.Helper()
	if !s.Registry().mirror.Started() {
		startRegistry(t, s)
	}
	return s.Registry()
}

// A change of the type keeps an alert's place; until runs have adopted it, it is
// known where it comes from. Only other criteria begin anew.
func TestAlertsThatMove(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startAlerts(t, s)
	ctx := jettest.Context(t)
	a := createAlert(t, r, jettest.Alert("acme", matching.AlertNormal))
	update := func(change func(*matching.Alert)) {
		t.Helper()
		jettest.Publish(t, s.js, "detections.cam1", `{}`)
		next := a.Alert
		change(&next)
		a = alertAt(t, r, a.ID, func() (uint64, error) { return r.UpdateAlert(ctx, &next, a.Revision) })
	}
	want := func(position uint64, from string, catchUp uint64) {
		t.Helper()
		if a.Position != position || a.MovedFrom != from || a.CatchUp != catchUp {
			t.Errorf("position %d, from %q, catch up %d; want %d, %q, %d", a.Position, a.MovedFrom, a.CatchUp, position, from, catchUp)
		}
	}
	update(func(a *matching.Alert) { a.AlertType, a.UpdatedAt = "hot", jettest.Time })
	want(0, "normal", 0)
	update(func(a *matching.Alert) { a.AlertType = "live" })
	want(0, "normal", 0)
	update(func(a *matching.Alert) { a.AlertType = "normal" })
	want(0, "", 0)
	update(func(a *matching.Alert) { a.AlertType = "hot" })
	a = alertAt(t, r, a.ID, func() (uint64, error) { return r.SettleAlert(ctx, "acme", a.ID, a.Revision, 1, 3, "") })
	want(1, "", 3)
	if _, err := r.SettleAlert(ctx, "acme", a.ID, a.Revision-1, 9, 9, ""); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("settling an old state: %v", err)
	}
	update(func(a *matching.Alert) { a.AlertType = "live" })
	want(1, "hot", 3)
	update(func(a *matching.Alert) { a.AlertType, a.VIN = "hot", "004352" })
	want(6, "", 0)
	update(func(a *matching.Alert) {
		a.AlertName, a.Description, a.Email, a.CCEmails = "new", "new", "new@example.com", []string{"x@example.com"}
	})
	want(6, "", 0)
	update(func(a *matching.Alert) { a.AlertType, a.Description = "normal", "newer" })
	want(6, "hot", 0)
	update(func(a *matching.Alert) { a.Lookalikes = true })
	want(9, "", 0)
	update(func(a *matching.Alert) { a.IsActive = false })
	want(9, "", 0)
	update(func(a *matching.Alert) { a.IsActive = true }) // what came while it was not is not looked at
	want(11, "", 0)
	if _, err := r.SettleAlert(ctx, "acme", uuid.NewString(), 1, 9, 9, ""); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("settling an alert that is gone: %v", err)
	}
}

// Alerts come back after a restart and after NATS was away, in their
// customer's time zone; a change of that is told.
func TestAlertsComeBack(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	r := s.Alerts()
	told := make(chan AlertChange, 100)
	r.Subscribe(func(c AlertChange) { told <- c })
	startAlerts(t, s)
	if err := s.Registry().PutCustomer(jettest.Context(t), &transport.Customer{ID: "acme", TimeZone: "America/Chicago"}); err != nil {
		t.Fatal(err)
	}
	kept, gone := jettest.Alert("acme", matching.AlertHot), jettest.Alert("acme", matching.AlertHot)
	was := createAlert(t, r, kept)
	createAlert(t, r, gone)
	other := openBare(t, b)
	startAlerts(t, other)
	got, there := other.Alerts().Stored(kept.ID)
	if !there || got.Zone.String() != "America/Chicago" {
		t.Errorf("its days begin in %+v", got)
	}
	b.Stop()
	b.Start()
	jettest.Eventually(t, func() bool { return other.conn.Ready() == nil && other.registry.Ready() == nil })
	if _, err := other.Alerts().RemoveAlert(jettest.Context(t), gone.ID); err != nil {
		t.Fatal(err)
	}
	for jettest.Receive(t, told, "the removal").Alert != nil {
	}
	if got, there = r.Stored(kept.ID); !there || got.Revision != was.Revision {
		t.Errorf("there %v, %+v", there, got)
	}
	if err := other.Registry().PutCustomer(jettest.Context(t), &transport.Customer{ID: "acme", TimeZone: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	for c := jettest.Receive(t, told, "the new time zone"); c.Alert == nil || c.Alert.Zone.String() != "Asia/Tokyo"; {
		c = jettest.Receive(t, told, "the new time zone")
	}
}

func BenchmarkAlertsLoad(b *testing.B) {
	s := openEmbedded(b, embeddedOptions(b))
	for i := range 1000 {
		if _, err := s.Alerts().CreateAlert(b.Context(), jettest.Alert(fmt.Sprintf("c%d", i%10), matching.AlertHot)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r := newAlerts(s)
		if err := r.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		r.stop()
	}
}
