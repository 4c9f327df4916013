package node

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
	"github.com/postrider/postrider/transport/signature"
)

// Register adds an endpoint as the API would, for what this process makes
// itself: defaults, checks, a secret where none is given. It returns when
// events that come now reach it.
func (n *Node) Register(ctx context.Context, ep *transport.Endpoint) error {
	ep.ApplyDefaults()
	ep.Given = ep.GuessGiven()
	ep.ID, ep.State = uuid.NewString(), transport.StateActive
	ep.CreatedAt = n.now()
	ep.UpdatedAt, ep.From = ep.CreatedAt, ep.CreatedAt
	if ep.Secrets.Current == "" {
		ep.Secrets.Current = signature.NewSecret(ep.Signature.Scheme)
	}
	if err := ep.Validate(n.cfg.Dev); err != nil {
		return err
	}
	if _, err := n.registry.EnsureCustomer(ctx, ep.Customer); err != nil {
		return fmt.Errorf("customer %s: %w", ep.Customer, err)
	}
	rev, err := n.registry.CreateEndpoint(ctx, ep)
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", ep.Name, err)
	}
	return n.registry.WaitApplied(ctx, rev)
}

// Redirect gives the customer's endpoint of that name another URL, where there
// is one: it tells whether. It returns when events that come now go there.
func (n *Node) Redirect(ctx context.Context, customer, name, url string) (found bool, err error) {
	for _, ep := range n.registry.Endpoints(customer) {
		if ep.Name != name {
			continue
		}
		next := *ep
		next.URL, next.UpdatedAt = url, n.now()
		rev, err := n.registry.UpdateEndpoint(ctx, &next)
		if err != nil {
			return true, fmt.Errorf("endpoint %s: %w", name, err)
		}
		return true, n.registry.WaitApplied(ctx, rev)
	}
	return false, nil
}

// Publish stores events as one batch.
func (n *Node) Publish(ctx context.Context, events []transport.Event) error {
	_, err := n.store.Events.Submit(ctx, events)
	return err
}

// AddAlert stores a checked alert. It returns when runs that start now know it.
func (n *Node) AddAlert(ctx context.Context, a *matching.Alert) error {
	revision, err := n.store.Alerts.CreateAlert(ctx, a)
	if err != nil {
		return err
	}
	return n.store.Alerts.WaitAlerts(ctx, revision)
}

// StartRun asks for a run of a customer's alerts of that type.
func (n *Node) StartRun(ctx context.Context, key transport.RunKey) error {
	_, err := n.store.Runs.StartRun(ctx, key, true)
	return err
}

// Publisher publishes as other programs do, by NATS; it must be closed.
func (n *Node) Publisher() (*publisher.Publisher, error) { return publisher.New(n.store.NATS()) }

// ProducersURL is where producers connect; empty where there is no listener.
func (n *Node) ProducersURL() string { return n.store.ClientURL() }

// Now is the node's clock, which no jump of the machine's clock moves.
func (n *Node) Now() time.Time { return n.now() }
