package run

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// incarnation is one state of an alert between two edits.
type incarnation struct {
	customer, plate string
	from            uint64 // detections after it
	until           uint64 // may match up to it, where it is over
	over            bool
}

// story is a random course of things, and what must come of it.
type story struct {
	t      *rapid.T
	w      *world
	l      *life
	tail   *tailing
	o      Options
	most   int
	alerts map[string]string // id → name of its incarnation
	all    map[string]*incarnation
	named  int
	// looking: live alerts are looked at.
	looking bool
}

var (
	customers = []string{"acme", "globex"}
	types     = []string{matching.AlertNormal, matching.AlertHot, matching.AlertLive}
	plates    = []string{"AAA111", "BBB222"}
)

func pick(t *rapid.T, from []string, name string) string {
	return rapid.SampledFrom(from).Draw(t, name)
}

func (s *story) anID() string {
	return pick(s.t, []string{"acme-1", "acme-2", "acme-1", "globex-1"}, "alert")
}

func (s *story) end(id string) {
	if was := s.all[s.alerts[id]]; was != nil {
		was.over, was.until = true, uint64(len(s.w.log))
	}
	delete(s.alerts, id)
}

func (s *story) put(id, alertType, plate string) {
	s.end(id)
	s.named++
	name, customer := fmt.Sprintf("%s v%d", id, s.named), id[:len(id)-2]
	s.alerts[id] = name
	s.all[name] = &incarnation{customer: customer, plate: plate, from: uint64(len(s.w.log))}
	s.w.put(customer, id, name, alertType, plate)
}

func (s *story) remove(id string) {
	s.end(id)
	s.w.remove(id)
}

// change draws one change of alerts or detections, to be made at any time.
func (s *story) change() func() {
	id, name, plate := s.anID(), pick(s.t, types, "type"), pick(s.t, plates, "plate")
	switch rapid.IntRange(0, 9).Draw(s.t, "change") {
	case 0:
		return func() { s.put(id, name, plate) }
	case 1:
		return func() { s.remove(id) }
	case 2, 3, 4:
		return func() { s.w.retype(id, name) }
	case 9:
		return func() { s.w.describe(id) }
	case 5:
		return s.w.garbage
	default:
		return func() { s.w.see(plate) }
	}
}

// begin is a new life of the node, on the world as the last one left it.
func (s *story) begin() {
	s.l, s.tail = s.w.start(s.o), nil
	s.l.runner.rounds.sweeper.most, s.l.runner.rounds.writes.atOnce = s.most, 1
	s.l.recover()
}

// liveBetween has live alerts looked at in the middle of a round, where that is
// not in the middle of deciding on moves.
func (s *story) liveBetween() {
	if !s.looking && s.l.runner.rounds.adopter.mu.TryLock() {
		s.l.runner.rounds.adopter.mu.Unlock()
		s.tail, _ = s.l.live(s.tail)
	}
}

func (s *story) work() {
	switch rapid.IntRange(0, 5).Draw(s.t, "work") {
	case 0:
		s.looking = true
		s.tail, _ = s.l.live(s.tail)
		s.looking = false
	case 1: // two at once
		s.l.round(transport.RunKey{Customer: "acme", Type: matching.AlertHot}, transport.RunKey{Customer: "globex", Type: matching.AlertHot},
			transport.RunKey{Customer: "acme", Type: matching.AlertHot})
	case 2:
		s.l.round(transport.RunKey{Customer: "acme", Type: transport.RunSummary})
	case 3: // with what it is a run of
		s.l.round(transport.RunKey{Customer: "acme", Type: transport.RunSummary}, transport.RunKey{Customer: "acme", Type: matching.AlertNormal})
	default:
		s.l.round(transport.RunKey{Customer: pick(s.t, customers, "customer"), Type: pick(s.t, types[:2], "type")})
	}
}

// finish lets everything run that is left.
func (s *story) finish() {
	s.l.die, s.l.meanwhile, s.w.ledgerAway = 0, nil, false
	if s.l.dead {
		s.begin()
	}
	for range 4 { // a change of type, a run that was cut: each may leave something to the next
		var err error
		if s.tail, err = s.l.live(s.tail); err != nil {
			if s.tail, err = s.l.live(nil); err != nil {
				s.t.Fatalf("live: %v", err)
			}
		}
		for _, customer := range customers {
			s.l.round(transport.RunKey{Customer: customer, Type: matching.AlertNormal}, transport.RunKey{Customer: customer, Type: matching.AlertHot},
				transport.RunKey{Customer: customer, Type: transport.RunCatchUp})
		}
	}
}

// judge: every alert that there is has each detection that it matches once;
// one that is gone at most once; nothing else is reported; no id comes twice.
func (s *story) judge() {
	seen, ids := map[string]int{}, map[string]bool{}
	for _, e := range s.w.events {
		if ids[e.id] {
			s.t.Fatalf("event %s is there twice", e.id)
		}
		ids[e.id] = true
		for _, m := range e.report.Matches {
			seen[m.AlertName+" at "+m.ResultURL]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		in := s.all[name]
		for _, raw := range s.w.log {
			key := fmt.Sprintf("%s at %d", name, raw.Seq)
			n := seen[key]
			delete(seen, key)
			matches := raw.Seq > in.from && bytes.Contains(raw.Data, []byte(in.plate))
			switch {
			case n > 1:
				s.t.Fatalf("%s was reported %d times", key, n)
			case n == 1 && (!matches || in.over && raw.Seq > in.until):
				s.t.Fatalf("%s was reported in vain", key)
			case n == 0 && matches && !in.over:
				for id, a := range s.w.alerts {
					s.t.Logf("%s: %s from %q, position %d, catch up %d", id, a.AlertType, a.MovedFrom, a.Position, a.CatchUp)
				}
				s.t.Fatalf("%s was missed; runs %+v", key, s.w.runs)
			}
		}
	}
	if len(seen) > 0 {
		s.t.Fatalf("reported of nobody: %v", seen)
	}
	for _, run := range s.w.runs {
		if run.State != transport.RunDone {
			s.t.Fatalf("a run stays open: %+v", run)
		}
	}
	for _, run := range s.w.logged {
		told := run.Customer + " run.finished run-" + run.ID + "-finished"
		if run.State == transport.RunDone && !slices.Contains(s.w.ops, told) {
			s.t.Fatalf("nobody was told of %+v", run)
		}
	}
}

// Whatever happens when, with a crash at any step, the ledger away or emptied,
// alerts edited, removed and moved between types in the middle of runs:
// nothing is missed and nothing is reported twice.
func TestNothingIsMissedOrRepeated(t *testing.T) {
	for range 20 { // rarely do a move, a crash and a lost ledger meet
		rapid.Check(t, func(t *rapid.T) { randomStory(t) })
	}
}

func randomStory(t *rapid.T) {
	s := &story{t: t, w: newWorld(), alerts: map[string]string{}, all: map[string]*incarnation{},
		o:    Options{Pause: 1, Memory: rapid.SampledFrom([]int{1, 3000, 0}).Draw(t, "memory")},
		most: rapid.SampledFrom([]int{reportRoom + 1500, 64 << 20}).Draw(t, "most")}
	s.begin()
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		switch rapid.IntRange(0, 9).Draw(t, "step") {
		case 0: // dies at some call to come
			s.l.die, s.l.after = rapid.IntRange(1, 25).Draw(t, "dies after"), rapid.Bool().Draw(t, "with effect")
		case 1: // loses its memory
			clear(s.w.cursors)
		case 2:
			s.w.ledgerAway = !s.w.ledgerAway
		case 3: // something changes in the middle
			left, change := int64(rapid.IntRange(1, 12).Draw(t, "calls until a change")), s.change()
			if rapid.Bool().Draw(t, "live") {
				change = s.liveBetween
			}
			s.l.meanwhile = func() {
				if atomic.AddInt64(&left, -1) == 0 {
					change()
				}
			}
		case 4, 5, 6:
			s.work()
		default:
			s.change()()
		}
		if s.l.dead {
			s.begin()
		}
	}
	s.finish()
	s.judge()
}
