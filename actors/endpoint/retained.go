package endpoint

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// Retained is what is kept of an endpoint between its actors. It is safe for
// concurrent use.
type Retained struct {
	// How long attempts take of late, and since when those under way have been
	// silent (unix nanoseconds; 0: none is under way).
	recent, silentSince atomic.Int64

	mu       sync.Mutex
	memory   transport.Memory
	lastSend time.Time
	tally    tally
}

// NewRetained begins with what was found at the start. lastSend is when the
// endpoint may have been sent something for the last time; zero: never.
func NewRetained(m transport.Memory, lastSend time.Time) *Retained {
	return &Retained{memory: m, lastSend: lastSend}
}

// Took is how long the endpoint's attempts take now: of late, or those under
// way without an answer, whichever is longer.
func (p *Retained) Took(now time.Time) time.Duration {
	took := time.Duration(p.recent.Load())
	if since := p.silentSince.Load(); since != 0 {
		took = max(took, time.Duration(now.UnixNano()-since))
	}
	return took
}

// busy notes how the machine's attempts go.
func (p *Retained) busy(m *Machine) {
	p.recent.Store(int64(m.concurrency.recent))
	since := int64(0)
	if m.inFlight > 0 {
		since = m.silentSince.UnixNano()
	}
	p.silentSince.Store(since)
}

// Memory is what the endpoint's machine remembered last.
func (p *Retained) Memory() transport.Memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory
}

func (p *Retained) remember(m transport.Memory) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory = m
}

// counts keeps what an actor has counted for the next one, so that failures far
// apart are failures in a row too.
func (p *Retained) counts(m *Machine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally = m.breaker.tally()
}

func (p *Retained) begun() Input {
	p.mu.Lock()
	defer p.mu.Unlock()
	memory := p.memory
	return Input{Kind: Begun, Memory: &memory, LastSend: p.lastSend, Counted: p.tally}
}

// Ended notes that its actor ended, so that something may have been sent until now.
func (p *Retained) Ended(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastSend = now
}

// Blank tells whether nothing would be lost with p at now, for an endpoint
// whose bucket is full again after refill.
func (p *Retained) Blank(now time.Time, refill time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memory.IsZero() && p.tally.row == 0 && now.Sub(p.lastSend) >= refill
}
