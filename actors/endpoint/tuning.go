package endpoint

import "time"

// Tuning holds what is the same for all endpoints of a node.
type Tuning struct {
	// BreakerFailures in a row open the breaker, as does half of the last
	// BreakerWindow attempts (at most 64). With BreakerFailures 0 it never opens.
	BreakerFailures, BreakerWindow int
	// BreakerWait is how long it stays open at first; doubling, at most BreakerMost.
	BreakerWait, BreakerMost time.Duration
	// DrainPace is the deliveries a second with which a drain begins. It
	// doubles each DrainDoubling and is without bound above DrainMost.
	DrainPace     float64
	DrainDoubling time.Duration
	DrainMost     float64
	// Horizon is how far ahead a delivery that waits for room alone is parked at most.
	Horizon time.Duration
	// FailingMost is how long an endpoint may be failing before it is disabled.
	FailingMost time.Duration
	// MaxWaitingBytes bounds the events parked for one endpoint.
	MaxWaitingBytes int64
}

// DefaultTuning is what the contract promises.
func DefaultTuning() Tuning {
	return Tuning{
		BreakerFailures: 5, BreakerWindow: 20, BreakerWait: 10 * time.Second, BreakerMost: 10 * time.Minute,
		DrainPace: 10, DrainDoubling: 5 * time.Second, DrainMost: 10_000,
		Horizon: 10 * time.Minute, FailingMost: 5 * 24 * time.Hour, MaxWaitingBytes: 1 << 30,
	}
}

// inHandFor is how long what cannot go now is kept in hand; what waits longer
// is parked. JetStream's own timer has a grain of a quarter second.
const inHandFor = 2 * time.Second

// slotLead is how long before its slot a parked lease comes back, so that an
// endpoint never idles while events wait; minPark is the shortest parking.
const (
	slotLead = time.Second
	minPark  = 300 * time.Millisecond
)
