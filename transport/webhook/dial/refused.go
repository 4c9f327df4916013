package dial

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// refusals tell operators what customers are not told: which address a host
// led to that is not delivered to. Each host is told of once a minute at most.
type refusals struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	told map[string]time.Time
}

func newRefusals(log *slog.Logger, now func() time.Time) *refusals {
	if log == nil {
		log = slog.Default()
	}
	if now == nil {
		now = time.Now
	}
	return &refusals{log: log, now: now, told: map[string]time.Time{}}
}

const (
	refusalGap = time.Minute
	// mostRefused bounds the hosts that are remembered; beyond it all are
	// forgotten, and told of again.
	mostRefused = 1000
)

func (r *refusals) tell(host string, err error) {
	var refused *AddressRefused
	if r == nil || !errors.As(err, &refused) || !r.due(host) {
		return
	}
	r.log.Warn("a host leads to an address that is not delivered to", "host", host, "address", refused.addr.String(), "network", refused.network)
}

func (r *refusals) due(host string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if last, known := r.told[host]; known && now.Sub(last) < refusalGap {
		return false
	}
	if len(r.told) >= mostRefused {
		clear(r.told)
	}
	r.told[host] = now
	return true
}
