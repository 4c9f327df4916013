package ledger

import (
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// DefaultLocalWindow is how long a node by itself remembers event ids.
const DefaultLocalWindow = 2 * time.Minute

// maxLocalIDs bounds a Local's memory to about 150 MiB. Beyond it the oldest
// ids are forgotten early.
const maxLocalIDs = 1 << 22

// Local remembers, in memory, the event ids of one log (one shard: sequences
// are compared). Ids are kept for at least the window after they arrived, by
// now, and compared by the log's own time (Event.Stored, in milliseconds): so a
// backlog worked down fast does not make duplicates of events that were
// published far apart. It is safe for concurrent use.
type Local struct {
	window time.Duration
	now    func() time.Time

	mu    sync.Mutex
	table table
}

// NewLocal returns an empty Local. A window of 0 is DefaultLocalWindow, a nil
// now is time.Now.
func NewLocal(window time.Duration, now func() time.Time) *Local {
	if window <= 0 {
		window = DefaultLocalWindow
	}
	if now == nil {
		now = time.Now
	}
	return &Local{window: window, now: now, table: newTable(maxLocalIDs)}
}

// Prime remembers an id that was seen before a restart; they must come oldest
// first. SeenID.At is the log's time of that event (Event.Stored). Old ones are
// welcome: they count only for events of their own time that come again.
func (l *Local) Prime(seen transport.SeenID) {
	now := l.now()
	ev := transport.Event{Seq: seen.Seq, Stored: seen.At}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.check(keyOf(seen.Customer, seen.ID), seen.Seq, stored(&ev, now), now)
}

// Check sets ev.DuplicateOf where the customer had ev's id at a lower sequence
// less than the window before, and otherwise remembers it. An event whose
// producer gave no id is left alone. Nothing is allocated but room for more ids.
func (l *Local) Check(ev *transport.Event) {
	if !ev.IDGiven {
		return
	}
	k := keyOf(ev.Customer, ev.ID)
	now := l.now()
	l.mu.Lock()
	first := l.check(k, ev.Seq, stored(ev, now), now)
	l.mu.Unlock()
	if first != 0 {
		ev.DuplicateOf = first
	}
}

// check returns the sequence of which seq is a duplicate, or 0. The first that
// is remembered stays, until an event comes a whole window later.
func (l *Local) check(k key, seq uint64, at int64, now time.Time) uint64 {
	l.table.expire(now, l.window)
	p := l.table.find(k)
	if p == 0 {
		l.table.add(k, seq, at, now, l.window)
		return 0
	}
	first, firstAt := l.table.get(p)
	switch {
	case !within(at, firstAt, l.window):
		if at > firstAt {
			l.table.add(k, seq, at, now, l.window)
		}
	case first < seq:
		return first
	}
	return 0
}

// learn makes first, which Redis knew, the sequence of ev's id, so that the
// node by itself says the same while Redis is away. Another log's sequence
// above ev's would say nothing here.
func (l *Local) learn(ev *transport.Event, first uint64) {
	if first >= ev.Seq {
		return
	}
	k := keyOf(ev.Customer, ev.ID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.table.find(k); p != 0 {
		l.table.setSeq(p, first)
	}
}

// Len is the number of ids remembered.
func (l *Local) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.count
}
