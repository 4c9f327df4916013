package node

import (
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/config"
)

// tuningOf is the settings that all endpoints go by.
func tuningOf(c *config.Config) *endpoint.Tuning {
	return &endpoint.Tuning{
		BreakerFailures: c.Breaker.Failures, BreakerWindow: c.Breaker.Window,
		BreakerWait: c.Breaker.Wait, BreakerMost: c.Breaker.MaxWait,
		DrainPace: float64(c.Drain.Pace), DrainDoubling: c.Drain.Doubling, DrainMost: float64(c.Drain.Unbounded),
		Horizon: c.Waiting.Horizon, FailingMost: c.Breaker.DisableAfter, MaxWaitingBytes: int64(c.Waiting.Bytes),
	}
}
