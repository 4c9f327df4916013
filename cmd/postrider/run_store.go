package main

import (
	"context"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// runStore fits the store's runs to the API.
type runStore struct{ *jet.Store }

// StartRun triggers runs of a type, or of both that have a schedule. Those that
// are not known when ctx ends are on their way.
func (s runStore) StartRun(ctx context.Context, customer, alertType string, wait bool) ([]transport.Run, error) {
	types := []string{alertType}
	if alertType == "" {
		types = []string{matching.AlertNormal, matching.AlertHot}
	}
	runs, stored, err := s.StartRuns(ctx, customer, types, wait)
	if err != nil || !stored || ctx.Err() == nil {
		return runs, err
	}
	known := map[string]bool{}
	for i := range runs {
		known[runs[i].Type] = true
	}
	for _, t := range types {
		if !known[t] {
			runs = append(runs, transport.Run{Customer: customer, Type: t})
		}
	}
	return runs, nil
}
