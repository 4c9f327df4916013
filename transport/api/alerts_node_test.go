package api

import (
	"context"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// alertNode is what of the node is about alerts.
type alertNode struct {
	alerts     map[string]keptAlert
	mailboxes  []*transport.Endpoint
	runs       []transport.Run
	ran        []string // customer and type of each run that was started
	detections []string // one an hour, the last at testNow
	hang       bool     // the log of detections does not end
	// entered gets each reader of detections, which then waits for release.
	entered, release chan struct{}
}

type keptAlert struct {
	*matching.Alert
	revision uint64
}

func (n *node) Customers() []*transport.Customer {
	var list []*transport.Customer
	for _, c := range n.customers {
		list = append(list, c)
	}
	return list
}

func (n *node) CreateCustomer(ctx context.Context, c *transport.Customer) error {
	if n.customers[c.ID] != nil {
		return transport.ErrConflict
	}
	return n.PutCustomer(ctx, c)
}

func (n *node) PutCustomer(_ context.Context, c *transport.Customer) error {
	if n.failure != nil {
		return n.failure
	}
	n.revision++
	if c.CustomerID == 0 {
		c.CustomerID = int64(n.revision)
	}
	c.Revision = n.revision
	n.customers[c.ID] = c
	return nil
}

func (n *node) Alert(id string) (*matching.Alert, uint64, bool) {
	a, there := n.alerts[id]
	return a.Alert, a.revision, there
}

func (n *node) Alerts(customer string) []*matching.Alert {
	var list []*matching.Alert
	for _, a := range n.alerts {
		if customer == "" || customer == a.Customer {
			list = append(list, a.Alert)
		}
	}
	return list
}

func (n *node) CreateAlert(_ context.Context, a *matching.Alert) (uint64, error) {
	if n.failure != nil {
		return 0, n.failure
	}
	n.revision++
	kept := *a
	kept.Position = 1 << 40
	n.alerts[a.ID] = keptAlert{&kept, n.revision}
	return n.revision, nil
}

func (n *node) UpdateAlert(ctx context.Context, a *matching.Alert, revision uint64) (uint64, error) {
	if n.alerts[a.ID].revision != revision {
		return 0, transport.ErrConflict
	}
	return n.CreateAlert(ctx, a)
}

func (n *node) RemoveAlert(_ context.Context, id string) (uint64, error) {
	delete(n.alerts, id)
	n.revision++
	return n.revision, n.failure
}

func (n *node) WaitAlerts(ctx context.Context, revision uint64) error {
	return n.WaitApplied(ctx, revision)
}

func (n *node) Mailbox(id string) (*transport.Endpoint, bool) {
	for _, ep := range n.mailboxes {
		if ep.ID == id {
			return ep, true
		}
	}
	return nil, false
}

func (n *node) Mailboxes(customer string) []*transport.Endpoint {
	var list []*transport.Endpoint
	for _, ep := range n.mailboxes {
		if customer == "" || customer == ep.Customer {
			list = append(list, ep)
		}
	}
	return list
}

func (n *node) ResumeMailbox(_ context.Context, id string) error {
	for _, ep := range n.mailboxes {
		if ep.ID == id {
			ep.State, ep.StateReason = transport.StateActive, ""
		}
	}
	return n.failure
}

// StartRun answers with the node's run of the key: as it stands with wait, else
// as just accepted.
func (n *node) StartRun(_ context.Context, key transport.RunKey, wait bool) (*transport.Run, error) {
	n.ran = append(n.ran, key.String())
	for _, run := range n.runs {
		if run.Key() == key {
			if !wait {
				run = transport.Run{ID: run.ID, Customer: run.Customer, Type: run.Type, Since: 1}
			}
			return &run, n.failure
		}
	}
	return nil, n.failure
}

func (n *node) Runs(_ context.Context, customer, alertType, cursor string, limit int) (page []transport.Run, next string, err error) {
	for _, run := range n.runs {
		if run.ID > cursor && (customer == "" || run.Customer == customer) && (alertType == "" || run.Type == alertType) {
			if len(page) == limit {
				return page, page[limit-1].ID, n.failure
			}
			page = append(page, run)
		}
	}
	return page, "", n.failure
}

func (n *node) Run(_ context.Context, id string) (*transport.Run, error) {
	for i := range n.runs {
		if n.runs[i].ID == id {
			return &n.runs[i], n.failure
		}
	}
	return nil, transport.ErrNotFound
}

func (n *node) Detections(ctx context.Context, from, to time.Time, each func(time.Time, []byte) error) error {
	for i, doc := range n.detections {
		at := testNow.Add(-time.Duration(len(n.detections)-1-i) * time.Hour)
		if at.Before(from) || !at.Before(to) {
			continue
		}
		if err := each(at, []byte(doc)); err != nil {
			return err
		}
	}
	if n.entered != nil {
		n.entered <- struct{}{}
		<-n.release
	}
	if n.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return n.failure
}
