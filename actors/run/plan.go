package run

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// bounds is what a plan must know of a key's alerts.
type bounds struct {
	alerts int
	// least is the lowest position of those with nothing to catch up; behind
	// that of those that have, and catchUp the highest sequence they catch up to.
	least, behind, catchUp uint64
	plain, catching        int
}

func (b *bounds) add(a *Alert) {
	b.alerts++
	if a.CatchUp > 0 {
		if b.catching++; b.catching == 1 || a.Position < b.behind {
			b.behind = a.Position
		}
		b.catchUp = max(b.catchUp, a.CatchUp)
		return
	}
	if b.plain++; b.plain == 1 || a.Position < b.least {
		b.least = a.Position
	}
}

// situation is all that decides on the next run of a key.
type situation struct {
	key transport.RunKey
	// last is DETECTIONS' last sequence, event that of EVENTS, revision that of
	// the alerts: read in this order, the alerts after them.
	last, event, revision uint64
	cursor                uint64
	record                *transport.Run // the key's last run, nil where there is none
	bounds                bounds
}

// plan gives the next run of a key: the open one as it is, else a new one, and
// false where the key has no alerts.
func plan(s *situation, now time.Time) (run transport.Run, ok bool) {
	if s.record != nil && s.record.State == transport.RunOpen {
		return *s.record, true
	}
	if s.bounds.alerts == 0 {
		return transport.Run{}, false
	}
	run = transport.Run{Customer: s.key.Customer, Type: s.key.Type, State: transport.RunOpen,
		AlertsRevision: s.revision, After: s.event, StartedAt: now.UTC()}
	if s.record != nil {
		run.Revision = s.record.Revision
	}
	if s.key.Type == transport.RunCatchUp {
		run.Since, run.From, run.To = s.bounds.behind+1, s.bounds.catchUp+1, s.bounds.catchUp
	} else {
		run.From, run.To = s.covered()+1, s.last
		if run.Since = run.From; s.bounds.catching > 0 {
			run.Since = min(run.From, s.bounds.behind+1)
		}
	}
	run.Through = run.To
	run.ID = transport.RunID(&run)
	return run, true
}

// covered is the sequence up to which the key's runs have come. Of cursor and
// record the one that is ahead counts: a ledger may have lost its memory. A
// log that has lost its end begins again there. What no alert looks at counts
// as covered.
func (s *situation) covered() uint64 {
	covered := covered(s.cursor, s.record, s.last)
	if s.bounds.plain > 0 {
		covered = max(covered, min(s.bounds.least, s.last))
	}
	return covered
}

func covered(cursor uint64, record *transport.Run, last uint64) uint64 {
	if record != nil && record.State == transport.RunDone {
		cursor = max(cursor, record.To)
	}
	return min(cursor, last)
}

// wants tells whether a detection may be matched by an alert in a run: position
// and catchUp are the alert's.
func wants(run *transport.Run, seq, position, catchUp uint64) bool {
	if seq <= position || seq > run.Through {
		return false
	}
	return seq >= run.From && seq <= run.To || seq < run.From && seq <= catchUp
}

// shorten makes a run end at through, because what it found until there is as
// much as one run may hold. The rest is another run's.
func shorten(run *transport.Run, through uint64) {
	run.Through = through
	if run.Type != transport.RunCatchUp {
		run.To = max(through, run.From-1)
	}
	run.ID = transport.RunID(run)
}

// span is a range of sequences, both inclusive.
type span struct{ from, to uint64 }

// spans gives what must be read for runs, each sequence once, in order.
func spans(runs []*transport.Run) []span {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b *transport.Run) int { return cmp.Compare(a.Since, b.Since) })
	var all []span
	for _, r := range sorted {
		switch n := len(all); {
		case r.Since > r.Through:
		case n > 0 && r.Since <= all[n-1].to+1:
			all[n-1].to = max(all[n-1].to, r.Through)
		default:
			all = append(all, span{r.Since, r.Through})
		}
	}
	return all
}
