package deferred

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
)

const (
	// listFor is how long a listing of an endpoint's segments is used, and
	// listFactor how many times longer than the listing took.
	listFor    = 5 * time.Second
	listFactor = 20
	// mostListed bounds a listing, mostListings how many are kept.
	mostListed   = 4096
	mostListings = 64
	// awayPause is how long a recall waits that could not reach NATS.
	awayPause = time.Second
)

// recalls are what is to be brought back for want of work, first come first
// served by turns of moveSegments.
type recalls struct {
	wake chan struct{}

	mu    sync.Mutex
	queue []*recall

	// The worker's own.
	listings map[string]*listing
	made     []string // endpoints by when they were listed
}

type recall struct {
	endpoint string
	left     int             // entries
	last     transport.Place // no segment that begins after it; zero: any
	listed   bool            // anew, for this one
	waiter   transport.Waiter
}

// listing holds an endpoint's lowest segments of the kind that waits for room.
type listing struct {
	rest  []parked
	until time.Time
}

func (r *recalls) init() {
	r.wake, r.listings = make(chan struct{}, 1), map[string]*listing{}
}

// Recall brings at least so many entries that wait for room alone back now, in
// the order they go in, but for segments that begin after last (zero: none
// does), and tells w (nil is fine) when they are on their way; so too when fewer
// are there, and, after a pause, when NATS is away. It does not block. What is
// parked at this very moment may be passed over.
func (p *Parker) Recall(endpoint string, entries int, last transport.Place, w transport.Waiter) {
	p.leaveOf(endpoint)
	p.recalls.put(&recall{endpoint: endpoint, left: entries, last: last, waiter: w})
}

func (r *recalls) put(one *recall) {
	r.mu.Lock()
	r.queue = append(r.queue, one)
	r.mu.Unlock()
	groupcommit.Nudge(r.wake)
}

// take empties the queue, but for what most leaves there.
func (r *recalls) take(most int) []*recall {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(most, len(r.queue))
	taken := r.queue[:n:n]
	if r.queue = r.queue[n:]; len(r.queue) == 0 {
		r.queue = nil
	}
	return taken
}

func (r *recall) tell() {
	if r.waiter != nil {
		r.waiter.Done()
	}
}

// recallAsked serves the queue until Close.
func (p *Parker) recallAsked() {
	for p.ctx.Err() == nil {
		next := p.recalls.take(1)
		if len(next) == 0 {
			select {
			case <-p.recalls.wake:
			case <-p.ctx.Done():
			}
			continue
		}
		done, err := p.recallTurn(next[0])
		switch {
		case err != nil:
			p.recallFailed(next[0], err)
		case done:
			next[0].tell()
		default:
			p.recalls.put(next[0])
		}
	}
}

// recallFailed lets everyone who waits ask again after a pause.
func (p *Parker) recallFailed(one *recall, err error) {
	p.store.log.Debug("what is parked cannot be brought back for now", "endpoint", one.endpoint, "err", err)
	t := time.NewTimer(awayPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
		return
	}
	one.tell()
	for _, other := range p.recalls.take(math.MaxInt) {
		other.tell()
	}
}

// recallTurn brings back up to moveSegments; done when that was enough, or all.
func (p *Parker) recallTurn(r *recall) (done bool, err error) {
	now := time.Now()
	p.recalls.forget(now)
	l := p.recalls.listings[r.endpoint]
	if l == nil || r.reaches(l.rest) == 0 {
		if r.listed {
			return true, nil
		}
		if l, err = p.listReady(r.endpoint, now); err != nil {
			return false, err
		}
		r.listed = true
	}
	within := l.rest[:r.reaches(l.rest)]
	part := cutParked(&within, r.left)
	if len(part) == 0 {
		return true, nil
	}
	l.rest = l.rest[len(part):]
	entries, err := p.store.bringBack(p.ctx, part)
	if err != nil {
		delete(p.recalls.listings, r.endpoint) // some of it is gone
		return false, err
	}
	r.left -= entries
	return r.left <= 0, nil
}

// reaches is how many of the listed segments it may bring back.
func (r *recall) reaches(list []parked) int {
	if r.last == (transport.Place{}) {
		return len(list)
	}
	n, _ := slices.BinarySearchFunc(list, r.last, func(p parked, last transport.Place) int {
		if last.Before(p.First) {
			return 1
		}
		return -1
	})
	return n
}

func (p *Parker) listReady(endpoint string, now time.Time) (*listing, error) {
	rest, _, err := p.store.listParked(p.ctx, endpoint, mostListed, func(q *parked) bool { return q.Ready })
	if err != nil {
		return nil, err
	}
	l := &listing{rest: rest, until: now.Add(listFor + listFactor*time.Since(now))}
	r := &p.recalls
	if len(r.made) == mostListings {
		delete(r.listings, r.made[0])
		r.made = r.made[1:]
	}
	r.listings[endpoint], r.made = l, append(r.made, endpoint)
	return l, nil
}

// forget drops the listings that are too old or used up.
func (r *recalls) forget(now time.Time) {
	r.made = slices.DeleteFunc(r.made, func(endpoint string) bool {
		l := r.listings[endpoint]
		if l != nil && len(l.rest) > 0 && now.Before(l.until) {
			return false
		}
		delete(r.listings, endpoint)
		return true
	})
}

// cutParked takes the first segments with at least so many entries, within what
// is moved in one go.
func cutParked(rest *[]parked, entries int) []parked {
	n, bytes := 0, int64(0)
	for n < len(*rest) && n < moveSegments && entries > 0 && (n == 0 || bytes+(*rest)[n].Bytes <= moveBytes) {
		bytes += (*rest)[n].Bytes
		entries -= (*rest)[n].Entries
		n++
	}
	part := (*rest)[:n:n]
	*rest = (*rest)[n:]
	return part
}
