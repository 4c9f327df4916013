package endpoint

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Policy is the settings of an endpoint that the machine goes by.
type Policy struct {
	Endpoint    string
	Retries     bool
	Schedule    []time.Duration
	Jitter      float64
	Concurrency int
	// Timeout bounds an attempt.
	Timeout time.Duration
	// Rate is deliveries a second, 0: no limit; Burst how many may go at once.
	Rate  float64
	Burst int
	// Ordered: one at a time, in the order of the log.
	Ordered bool
	// Paused: nothing is sent, everything is parked.
	Paused bool
	// MaxWaiting bounds the deliveries that may be parked; 0: only bytes do.
	MaxWaiting int
	// Tuning is the node's.
	Tuning *Tuning
	// MaxAge: older events are skipped; 0: none is too old.
	MaxAge time.Duration
	// GoneAtOnce: a 410 ends the pair without the retries left.
	GoneAtOnce bool
	// Closed, when set, is the reason (endpoint_removed, endpoint_disabled)
	// with which everything is buried.
	Closed string
}

// PolicyOf reads an endpoint's policy.
func PolicyOf(ep *transport.Endpoint, t *Tuning) Policy {
	p := Policy{
		Tuning:      t,
		Timeout:     time.Duration(ep.Delivery.Timeout),
		Rate:        ep.Delivery.Rate,
		Burst:       ep.Delivery.Burst,
		Ordered:     ep.Delivery.Ordered,
		Paused:      ep.State == transport.StatePaused,
		MaxWaiting:  ep.Delivery.MaxWaiting,
		Endpoint:    ep.ID,
		Retries:     ep.Delivery.Retries,
		Jitter:      ep.Delivery.Jitter,
		Concurrency: max(1, min(ep.Delivery.Concurrency, transport.MaxConcurrency)),
		MaxAge:      time.Duration(ep.Delivery.MaxAge),
		GoneAtOnce:  ep.Profile != "genea",
	}
	for _, d := range ep.Delivery.Schedule {
		p.Schedule = append(p.Schedule, time.Duration(d))
	}
	if IsClosed(ep) {
		p.Closed = transport.ReasonEndpointDisabled
	}
	return p
}

// atOnce is the most attempts that may be in flight.
func (p *Policy) atOnce() int {
	if p.Ordered {
		return 1
	}
	return p.Concurrency
}

// IsClosed tells whether everything of an endpoint is to be given up; nil is
// one that was removed.
func IsClosed(ep *transport.Endpoint) bool {
	return ep == nil || !ep.Enabled || ep.State == transport.StateDisabled
}

// jitterStep is the grain of time within which attempts of one endpoint share
// a jitter, so that deliveries that failed together come back together, in one segment.
const jitterStep = 50 * time.Millisecond

// wait is how long after now the next attempt is due, by the schedule and the
// jitter, when made attempts have failed; false when none is left.
func (p *Policy) wait(now time.Time, made int) (time.Duration, bool) {
	if !p.Retries || made > len(p.Schedule) {
		return 0, false
	}
	d := p.Schedule[made-1]
	if p.Jitter == 0 {
		return d, true
	}
	return d + time.Duration(p.Jitter*p.spread(now, made)*float64(d)), true
}

// stretch is how many times longer than its turn a breaker stays open, from 1
// to 1 + jitter: receivers that failed together are not all probed at once.
func (p *Policy) stretch(now time.Time, opens int) float64 {
	return 1 + p.Jitter*(1+p.spread(now, opens))/2
}

// longest is wait as far as it can be stretched.
func (p *Policy) longest(wait time.Duration) time.Duration {
	return time.Duration((1 + p.Jitter) * float64(wait))
}

// spread is a number in [-1,1) that depends on the endpoint, the attempt and
// the time step alone: random to the receiver, repeatable for a test.
func (p *Policy) spread(now time.Time, made int) float64 {
	h := fnv.New64a()
	h.Write([]byte(p.Endpoint))
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(now.UnixNano()/int64(jitterStep)))
	binary.LittleEndian.PutUint64(b[8:], uint64(made))
	h.Write(b[:])
	x := h.Sum64()
	x ^= x >> 33 // FNV's high bits are weak for short tails: mix once more
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11)/float64(1<<52) - 1
}
