package node

import (
	"sync/atomic"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// states writes the line of each endpoint that comes to another state. Its
// changes come from one goroutine, in order.
type states struct {
	metrics *telemetry.Telemetry
	known   map[string]string
	// loud is set once those that are there from before have been taken in.
	loud atomic.Bool
}

func newStates(m *telemetry.Telemetry) *states {
	return &states{metrics: m, known: map[string]string{}}
}

// change takes one change of the registry in.
func (s *states) change(c transport.Change) {
	state, reason := "removed", ""
	if c.Endpoint != nil {
		state, reason = c.Endpoint.Shown(), c.Endpoint.StateReason
	}
	if s.known[c.ID] == state {
		return
	}
	if s.known[c.ID] = state; c.Endpoint == nil {
		delete(s.known, c.ID)
	}
	if s.loud.Load() {
		s.metrics.StateChange(c.Customer, c.ID, state, reason)
	}
}
