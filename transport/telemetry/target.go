package telemetry

import (
	"context"

	"github.com/postrider/postrider/transport"
)

// Target is where attempts of one endpoint go.
type Target interface {
	Send(ctx context.Context, ev *transport.Event, number int) transport.Answer
	Close()
}

// Counting is the target with its attempts under way counted.
func (t *Telemetry) Counting(target Target) Target { return counting{target, t} }

type counting struct {
	Target
	telemetry *Telemetry
}

// Send makes one attempt.
func (c counting) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	c.telemetry.InFlight(1)
	defer c.telemetry.InFlight(-1)
	return c.Target.Send(ctx, ev, number)
}
