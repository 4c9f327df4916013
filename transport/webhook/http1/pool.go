package http1

import (
	"context"
	"sync"
	"sync/atomic"
)

// Key is where connections lead, and whose they are: those of different keys
// are never exchanged.
type Key struct {
	// Owner is the customer: who can write into a connection could answer for
	// whoever uses it next.
	Owner string
	// Settings tells apart CAs and client certificates.
	Settings [32]byte
	// Address is "host:port".
	Address string
	// Secure: by TLS.
	Secure bool
}

// What a pool keeps.
const (
	maxIdle        = 16384
	maxIdlePerHost = 2048
	// sampled is of how many hosts one gives up a connection.
	sampled = 8
)

// Pool keeps the connections of all hosts. Where it keeps as many as it may,
// one is closed for the next: the oldest of a host whose owner has many.
type Pool struct {
	most int
	idle atomic.Int64

	mu     sync.Mutex
	hosts  map[Key]*Host
	owners map[string]*owner
	closed bool
}

// owner counts what is kept for one.
type owner struct {
	idle  atomic.Int64
	hosts int
}

// NewPool makes a pool.
func NewPool() *Pool {
	return &Pool{most: maxIdle, hosts: map[Key]*Host{}, owners: map[string]*owner{}}
}

// Dial makes a connection; its error is passed on by Take.
type Dial func(ctx context.Context) (*Conn, error)

// Acquire finds or makes the host of key, for one more user; dial is used by
// all of them.
func (p *Pool) Acquire(key Key, dial Dial) *Host {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[key]
	if h == nil {
		of := p.owners[key.Owner]
		if of == nil {
			of = &owner{}
			p.owners[key.Owner] = of
		}
		of.hosts++
		h = &Host{pool: p, key: key, owner: of, dial: dial, closed: p.closed}
		p.hosts[key] = h
	}
	h.users++
	return h
}

// Release gives h back; the last user's closes what is kept.
func (p *Pool) Release(h *Host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.users--; h.users > 0 {
		return
	}
	h.shut()
	delete(p.hosts, h.key)
	if h.owner.hosts--; h.owner.hosts == 0 {
		delete(p.owners, h.key.Owner)
	}
}

// Close closes what is kept; what is in use is closed when it comes back.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, h := range p.hosts {
		h.shut()
	}
}

// makeRoom closes one connection where more are kept than may be.
func (p *Pool) makeRoom() {
	if p.idle.Load() <= int64(p.most) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var from *Host
	seen := 0
	for _, h := range p.hosts { // begins anywhere
		if h.kept.Load() == 0 {
			continue
		}
		if from == nil || h.owner.idle.Load() > from.owner.idle.Load() {
			from = h
		}
		if seen++; seen == sampled {
			break
		}
	}
	if from != nil {
		from.closeOldest()
	}
}
