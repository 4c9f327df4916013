package sim

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// attempts is ATTEMPTS: batches in the order they were stored.
type attempts struct {
	w       *world
	batches []stored
	reached transport.Reached // as the last batch tells
	noted   int               // how many there were when that was noted elsewhere
	notedAt time.Duration
}

type stored struct {
	at      time.Time // by the server's clock
	records []journalEntry
	reached transport.Reached
}

// noteEvery: see transport/jet/journal.
const noteEvery = 2 * time.Second

func (a *attempts) store(batch []journalEntry, reached transport.Reached) {
	a.reached = reached
	a.batches = append(a.batches, stored{a.w.serverNow(), batch, reached})
	if a.w.now-a.notedAt >= noteEvery {
		a.noted, a.notedAt = len(a.batches), a.w.now
	}
	for i := range batch {
		if batch[i].kept {
			a.w.judge.journaled(&batch[i].record)
		}
	}
}

// last is when the last record was stored.
func (a *attempts) last() (at time.Time) {
	if len(a.batches) > 0 {
		at = a.batches[len(a.batches)-1].at
	}
	return at
}

// since calls f for each record from the first batch on that is no older than t.
func (a *attempts) since(t time.Time, f func(r *transport.Record)) {
	from := 0
	for from < len(a.batches) && a.batches[from].at.Before(t) {
		from++
	}
	for _, b := range a.batches[from:] {
		for i := range b.records {
			if b.records[i].kept {
				f(&b.records[i].record)
			}
		}
	}
}
