package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// register adds an endpoint as the API would, for what this process makes
// itself: defaults, checks, a secret where none is given. It returns when
// events that come now reach it.
func (n *node) register(ctx context.Context, ep *transport.Endpoint) error {
	ep.ApplyDefaults()
	ep.Given = ep.GuessGiven()
	ep.ID = uuid.NewString()
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
