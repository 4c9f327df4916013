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

// standing is how far runs of one type of alerts have come.
type standing struct {
	alertType string
	cursor    uint64
	bounds    bounds
}

// situation is all that decides on the next run of a key.
type situation struct {
	key transport.RunKey
	// last is DETECTIONS' last sequence, event that of EVENTS, revision that of
	// the alerts: read in this order, the alerts after them.
	last, event, revision uint64
	// trigger is the last of those that made the key due, zero where none did.
	trigger transport.RunTrigger
	record  *transport.Run // the key's last run, nil where there is none
	// parts are the types of alerts that the key's runs cover; ended has the
	// last runs of all keys that cover them too, nil where there is none.
	parts []standing
	ended []*transport.Run
}

// plan gives the next run of a key: the open one as it is, else a new one, and
// false where there is nothing to run.
func plan(s *situation, now time.Time) (run transport.Run, ok bool) {
	if isOpen(s.record) {
		run = *s.record
		run.Error = ""
		return run, true
	}
	if !s.asked() {
		return transport.Run{}, false
	}
	run = transport.Run{Customer: s.key.Customer, Type: s.key.Type, State: transport.RunOpen,
		Trigger: s.trigger, AlertsRevision: s.revision, After: s.event, StartedAt: now.UTC()}
	if s.record != nil {
		run.Revision = s.record.Revision
		if s.trigger == (transport.RunTrigger{}) {
			run.Trigger = s.record.Trigger
		}
	}
	if !s.reach(&run) {
		return transport.Run{}, false
	}
	run.Through = run.To
	run.ID = transport.RunID(&run)
	return run, true
}

// asked tells whether the key wants another run: its last one left something,
// or a trigger came that this did not answer.
func (s *situation) asked() bool {
	switch {
	case s.key.Type == transport.RunCatchUp, s.record != nil && s.record.Rest:
		return true
	case s.record == nil:
		return s.trigger != transport.RunTrigger{}
	}
	return s.trigger.After(s.record.Trigger)
}

// reach sets what the run is about; false: no alert takes part.
func (s *situation) reach(run *transport.Run) bool {
	var parts []transport.RunPart
	for i := range s.parts {
		p := &s.parts[i]
		if p.bounds.alerts == 0 {
			continue
		}
		part, since := transport.RunPart{Type: p.alertType, From: s.covered(p) + 1, To: s.last}, uint64(0)
		if run.Type == transport.RunCatchUp {
			part.From, part.To = p.bounds.catchUp+1, p.bounds.catchUp
			since = p.bounds.behind + 1
		} else if since = part.From; p.bounds.catching > 0 {
			since = min(part.From, p.bounds.behind+1)
		}
		if len(parts) == 0 {
			run.From, run.To, run.Since = part.From, part.To, since
		}
		run.From, run.Since = min(run.From, part.From), min(run.Since, since)
		parts = append(parts, part)
	}
	if run.Type == transport.RunSummary {
		run.Parts = parts
	}
	return len(parts) > 0
}

// covered is the sequence up to which runs of a type of alerts have come. Of
// cursor and records the one that is ahead counts: a ledger may have lost its
// memory. What no alert looks at counts as covered.
func (s *situation) covered(p *standing) uint64 {
	covered := covered(p.alertType, p.cursor, s.last, append(s.ended, s.record)...)
	if p.bounds.plain > 0 {
		covered = max(covered, min(p.bounds.least, s.last))
	}
	return covered
}

// covered is how far runs of a type have come by their cursor and records, of
// which some may be nil or of other types. A log that has lost its end, after
// last, begins again there.
func covered(alertType string, cursor, last uint64, records ...*transport.Run) uint64 {
	for _, run := range records {
		if run == nil || run.State != transport.RunDone {
			continue
		}
		for _, part := range run.Ranges() {
			if part.Type == alertType {
				cursor = max(cursor, part.To)
			}
		}
	}
	return min(cursor, last)
}

func isOpen(run *transport.Run) bool { return run != nil && run.State == transport.RunOpen }

// wants tells whether a detection may be matched by an alert in a run that
// reads up to through: part is what the run is about for the alert's type,
// position and catchUp are the alert's.
func wants(part *transport.RunPart, through, seq, position, catchUp uint64) bool {
	if seq <= position || seq > through {
		return false
	}
	return seq >= part.From && seq <= part.To || seq < part.From && seq <= catchUp
}

// shorten makes a run end at through, because what it found until there is as
// much as one run may hold. The rest is another run's.
func shorten(run *transport.Run, through uint64) {
	run.Through = through
	if run.Type == transport.RunCatchUp {
		return
	}
	run.To = max(through, run.From-1)
	for i := range run.Parts {
		run.Parts[i].To = max(through, run.Parts[i].From-1)
	}
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
