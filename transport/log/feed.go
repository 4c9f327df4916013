package log

import (
	"slices"
	"sync"

	"github.com/postrider/postrider/transport"
)

// feed is a transport.DeliveryFeed. What it holds is bounded; the log never
// waits for its reader.
type feed struct {
	index  *Index
	filter transport.DeliveryFilter
	ready  chan struct{}

	mu   sync.Mutex
	rows []transport.LoggedDelivery
	at   map[transport.Pair]int // where in rows
	more uint64
}

// Follow gives what changes from now on among the deliveries that f chooses;
// its Cursor and Limit do not count. A wrong filter is a *transport.FieldError.
// Nobody who follows costs nothing.
func (x *Index) Follow(f transport.DeliveryFilter) (transport.DeliveryFeed, error) {
	f.Cursor, f.Limit = "", 0
	if _, err := check(&f); err != nil {
		return nil, err
	}
	fd := &feed{index: x, filter: f, ready: make(chan struct{}, 1), at: map[transport.Pair]int{}}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.feeds == nil {
		x.feeds = map[*feed]struct{}{}
	}
	x.feeds[fd] = struct{}{}
	return fd, nil
}

func (f *feed) Ready() <-chan struct{} { return f.ready }

func (f *feed) Close() {
	f.index.mu.Lock()
	defer f.index.mu.Unlock()
	delete(f.index.feeds, f)
}

func (f *feed) Take() ([]transport.LoggedDelivery, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, more := f.rows, f.more
	f.rows, f.more = nil, 0
	clear(f.at)
	return rows, more
}

// tell gives the rows that a message of the journal changed to those who
// follow. The index's lock is held; before the journal's end is reached the
// first time, all is old.
func (x *Index) tell(touched []ref) {
	if len(x.feeds) == 0 || !x.current || len(touched) == 0 {
		return
	}
	slices.Sort(touched)
	touched = slices.Compact(touched)
	for f := range x.feeds {
		f.offer(x.table, touched)
	}
}

// offer takes in those of touched that the filter chooses.
func (f *feed) offer(t *table, touched []ref) {
	q, err := check(&f.filter)
	if err != nil {
		return // it was checked when the feed was made
	}
	q.choose(t, &f.filter)
	if q.who.none || q.typ.none {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	some := false
	for _, r := range touched {
		if c, i := t.row(r); q.matches(c, i) {
			f.take(t, c, i)
			some = true
		}
	}
	if some {
		select {
		case f.ready <- struct{}{}:
		default:
		}
	}
}

// take holds row i, in the place of what it was before.
func (f *feed) take(t *table, c *chunk, i int) {
	p := transport.Pair{Seq: c.seq[i], Endpoint: t.parties.values[c.who[i]].endpoint, Replay: c.replays[uint16(i)]}
	at, there := f.at[p]
	switch {
	case there:
		f.rows[at] = t.delivery(c, i)
	case len(f.rows) == transport.MaxFeedRows:
		f.more++
	default:
		f.at[p] = len(f.rows)
		f.rows = append(f.rows, t.delivery(c, i))
	}
}
