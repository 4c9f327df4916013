package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/registry"
)

var mailNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// toldEndpoints is what a shard knows by the changes it was told.
type toldEndpoints map[string]*transport.Endpoint

func (w toldEndpoints) take(c transport.Change) {
	if w[c.ID] = c.Endpoint; c.Endpoint == nil {
		delete(w, c.ID)
	}
}

func testMailboxes() (*mailboxes, toldEndpoints) {
	w := toldEndpoints{}
	return newMailboxes(w.take, func() time.Time { return mailNow }), w
}

func alertFor(id string, addresses ...string) registry.AlertChange {
	a := &registry.Alert{Alert: matching.NewAlert()}
	a.ID, a.Customer, a.Email, a.CCEmails = id, "acme", addresses[0], addresses[1:]
	return registry.AlertChange{ID: id, Customer: "acme", Alert: a}
}

func TestAMailboxComesAndGoesWithItsAlerts(t *testing.T) {
	m, w := testMailboxes()
	ops, boss := transport.MailboxID("acme", "ops@example.com"), transport.MailboxID("acme", "boss@example.com")
	check := func(step string, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for id, ep := range w {
			got[id] = fmt.Sprint(ep.Events)
			if shown, there := m.Mailbox(id); !there || shown != ep {
				t.Errorf("%s: the shard has %v, the room %v", step, ep, shown)
			}
			if err := ep.Validate(false); err != nil {
				t.Errorf("%s: %v", step, err)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", step, got, want)
		}
	}
	const alerts, own, both = "[alert.matches_found]", "[ops.endpoint.> ops.run.failed ops.deadletter.created ops.quota.>]",
		"[alert.matches_found ops.endpoint.> ops.run.failed ops.deadletter.created ops.quota.>]"
	m.alertChanged(alertFor("1", "ops@EXAMPLE.com", "boss@example.com", "ops@example.com"))
	check("an alert", map[string]string{ops: alerts, boss: alerts})
	m.alertChanged(alertFor("2", "ops@example.com"))
	m.customerChanged(&transport.Customer{ID: "acme", Email: "ops@example.com"})
	check("the customer's own", map[string]string{ops: both, boss: alerts})
	m.alertChanged(registry.AlertChange{ID: "1", Customer: "acme"})
	check("the first alert removed", map[string]string{ops: both})
	paused := alertFor("2", "ops@example.com")
	paused.Alert.IsActive = false
	m.alertChanged(paused)
	check("the second one not active", map[string]string{ops: own})
	m.customerChanged(&transport.Customer{ID: "acme", Email: "boss@example.com"})
	check("another address of its own", map[string]string{boss: own})
	m.customerChanged(&transport.Customer{ID: "acme"})
	check("none", map[string]string{})
}

func TestAMailboxKeepsItsState(t *testing.T) {
	m, w := testMailboxes()
	m.alertChanged(alertFor("1", "ops@example.com"))
	id, ctx := transport.MailboxID("acme", "ops@example.com"), context.Background()
	if ep := w[id]; ep.State != "active" || !ep.From.IsZero() || len(ep.Delivery.Schedule) != 7 || !ep.Delivery.Retries {
		t.Errorf("%+v", ep)
	}
	r := receivers{mail: m}
	if _, err := r.SetState(ctx, id, transport.StateDisabled, "gone"); err != nil || w[id].State != "disabled" {
		t.Errorf("%v, %+v", err, w[id])
	}
	m.customerChanged(&transport.Customer{ID: "acme", Email: "ops@example.com"})
	if ep, _ := r.Endpoint(id); ep.State != "disabled" || ep.StateReason != "gone" || len(ep.Events) != 5 {
		t.Errorf("%+v", ep)
	}
	if err := m.ResumeMailbox(ctx, id); err != nil || w[id].State != "active" {
		t.Errorf("%v, %+v", err, w[id])
	}
	if err := m.ResumeMailbox(ctx, "none"); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
}

// Whatever the order of changes, the mailboxes are those of the alerts and
// customers as they are then.
func TestMailboxesAreThoseOfTheAlerts(t *testing.T) {
	addresses := []string{"a@example.com", "b@example.com", "c@EXAMPLE.com"}
	rapid.Check(t, func(t *rapid.T) {
		m, w := testMailboxes()
		alerts, customers := map[string]*registry.Alert{}, map[string]string{}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			customer := rapid.SampledFrom([]string{"acme", "other"}).Draw(t, "customer")
			id := customer + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "alert")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				own := rapid.SampledFrom(append(addresses, "")).Draw(t, "own")
				customers[customer] = own
				m.customerChanged(&transport.Customer{ID: customer, Email: own})
			case 1:
				delete(alerts, id)
				m.alertChanged(registry.AlertChange{ID: id, Customer: customer})
			default:
				list := rapid.SliceOfN(rapid.SampledFrom(addresses), 1, 4).Draw(t, "addresses")
				c := alertFor(id, list...)
				c.Customer, c.Alert.Customer, c.Alert.IsActive = customer, customer, rapid.Bool().Draw(t, "active")
				alerts[id] = c.Alert
				m.alertChanged(c)
			}
		}
		want := map[string][2]bool{}
		add := func(customer, address string, place int) {
			box := want[transport.MailboxID(customer, address)]
			box[place] = true
			want[transport.MailboxID(customer, address)] = box
		}
		for _, a := range alerts {
			for _, address := range addressesOf(&a.Alert) {
				add(a.Customer, address, 0)
			}
		}
		for customer, address := range customers {
			if address != "" {
				add(customer, address, 1)
			}
		}
		got := map[string][2]bool{}
		for id, ep := range w {
			got[id] = [2]bool{slices.Contains(ep.Events, alertMail[0]), slices.Contains(ep.Events, customerMail[0])}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if n := len(m.Mailboxes("acme")) + len(m.Mailboxes("other")); n != len(want) || len(m.Mailboxes("")) != n {
			t.Fatalf("%d are listed of %d", n, len(want))
		}
	})
}
