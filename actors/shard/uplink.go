package shard

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// uplink judges whether our own line is down: most of many endpoints could not
// be reached within some seconds, and none was. What fails then is nobody's
// fault. It is safe for concurrent use.
type uplink struct {
	// changed is told when the line goes down or is back, in order.
	changed func(down bool)

	lastGood atomic.Int64 // unix nanoseconds
	down     atomic.Bool

	mu   sync.Mutex
	seen map[string]reach // by endpoint
}

// reach is an endpoint's last attempt.
type reach struct {
	at     time.Time
	failed bool
}

const (
	// uplinkWithin is how long an attempt counts, uplinkLeast how many
	// endpoints must have been tried in that time.
	uplinkWithin = 10 * time.Second
	uplinkLeast  = 20
	// uplinkSilence is how long nobody was reached.
	uplinkSilence = 2 * time.Second
	// goodGrain: of attempts that reach someone, so many are looked at.
	goodGrain = 100 * time.Millisecond
)

func newUplink(changed func(bool)) *uplink {
	return &uplink{changed: changed, seen: map[string]reach{}}
}

// Answered takes the end of an attempt in; true where it is no fault of the
// endpoint's.
func (u *uplink) Answered(now time.Time, endpoint string, a *transport.Answer) (ours bool) {
	switch {
	case a.Unreached:
		return u.unreached(now, endpoint)
	case a.Class == transport.Aborted || a.Class == transport.Refused || a.Class == transport.Skip:
		return false
	case !u.down.Load() && now.UnixNano()-u.lastGood.Load() < int64(goodGrain):
		return false
	}
	u.reached(now, endpoint)
	return false
}

func (u *uplink) reached(now time.Time, endpoint string) {
	u.lastGood.Store(now.UnixNano())
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen[endpoint] = reach{at: now}
	if u.down.Load() {
		u.down.Store(false)
		clear(u.seen)
		u.changed(false)
	}
	u.prune(now)
}

func (u *uplink) unreached(now time.Time, endpoint string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen[endpoint] = reach{at: now, failed: true}
	if u.down.Load() {
		return true
	}
	u.prune(now)
	failed := 0
	for _, r := range u.seen {
		if r.failed {
			failed++
		}
	}
	silent := now.UnixNano()-u.lastGood.Load() >= int64(uplinkSilence)
	if len(u.seen) < uplinkLeast || 2*failed <= len(u.seen) || !silent {
		return false
	}
	u.down.Store(true)
	u.changed(true)
	return true
}

func (u *uplink) prune(now time.Time) {
	for id, r := range u.seen {
		if now.Sub(r.at) > uplinkWithin {
			delete(u.seen, id)
		}
	}
}
