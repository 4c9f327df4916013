package run

import (
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

var (
	normal  = transport.RunKey{Customer: "acme", Type: matching.AlertNormal}
	summary = transport.RunKey{Customer: "acme", Type: transport.RunSummary}
)

// lastTold is the run that a trigger was told of last.
func (t *trigger) lastTold() *transport.Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.told) == 0 {
		return nil
	}
	return t.told[len(t.told)-1]
}

// Twenty triggers without a detection are twenty runs, each with its id, its
// place in the log of runs and its event; one that comes again is answered by
// the run that it made.
func TestARunIsAnEventOfItsOwn(t *testing.T) {
	w := newWorld()
	w.put("acme", "acme-1", "one", matching.AlertHot, "AAA111")
	l := w.start(Options{Pause: 1})
	var last *trigger
	for range 20 {
		last = l.round(hot)[0]
		if run := last.lastTold(); run == nil || run.State != transport.RunDone || run.Detections != 0 || !last.settled {
			t.Fatalf("told %+v", run)
		}
	}
	again := &trigger{id: last.id}
	l.runner.due.add(hot, again)
	l.rest()
	if again.lastTold().ID != last.lastTold().ID || !again.settled {
		t.Errorf("the same trigger again: %+v", again.lastTold())
	}
	finished := map[string]bool{}
	for _, one := range w.ops {
		finished[one] = strings.Contains(one, " run.finished ")
	}
	if len(w.logged) != 20 || len(w.ops) != 20 || len(finished) != 20 || len(w.events) != 0 {
		t.Errorf("%d runs, %d of %d events about them, %d reports", len(w.logged), len(finished), len(w.ops), len(w.events))
	}
}

// A summary reports what both types of alerts match in one event, and the next
// runs of both go on behind it.
func TestASummaryIsOneReport(t *testing.T) {
	w := newWorld()
	w.put("acme", "acme-1", "daily", matching.AlertNormal, "AAA111")
	w.put("acme", "acme-2", "often", matching.AlertHot, "AAA111")
	l := w.start(Options{Pause: 1})
	w.see("AAA111")
	l.round(hot) // so that both begin at another place
	w.see("AAA111")
	told := l.round(summary, normal)
	for _, one := range told {
		if run := one.lastTold(); run.Type != transport.RunSummary || run.Matches != 3 || run.Detections != 2 || run.Alerts != 2 {
			t.Errorf("%+v", run)
		}
	}
	if len(w.events) != 2 || w.events[1].report.TotalMatches != 3 || len(w.events[1].report.AlertDetails) != 2 {
		t.Errorf("%+v", w.events)
	}
	w.see("AAA111")
	clear(w.cursors) // the records know it too
	if run := l.round(normal)[0].lastTold(); run.Matches != 1 || run.From != 3 {
		t.Errorf("the next run of one type: %+v", run)
	}
	if run := l.round(summary)[0].lastTold(); run.Matches != 1 || run.Detections != 1 {
		t.Errorf("the next of both: %+v", run)
	}
}

// While the ledger is away those who asked for a run hear of it at once, and
// the run is made when it is back: one for all who asked.
func TestARunWaitsForTheLedgerAndSaysSo(t *testing.T) {
	w := newWorld()
	w.put("acme", "acme-1", "one", matching.AlertHot, "AAA111")
	l := w.start(Options{Pause: 1, CursorsIn: "Redis"})
	w.see("AAA111")
	w.ledgerAway = true
	asked := []*trigger{w.ask(), w.ask()}
	for _, one := range asked {
		l.runner.rounds.carryOut(t.Context(), dues{hot: {one}})
		if !slices.Equal(one.delays, []string{"Redis, which keeps how far runs have come, is not available"}) || one.settled || len(one.told) != 0 {
			t.Errorf("delays %q, told %v, settled %v", one.delays, one.told, one.settled)
		}
	}
	w.ledgerAway = false
	l.runner.due.take() // what comes after the pause, if it has
	l.runner.rounds.carryOut(t.Context(), dues{hot: {asked[0], asked[1]}})
	for _, one := range asked {
		if run := one.lastTold(); run == nil || run.State != transport.RunDone || run.Matches != 1 || !one.settled {
			t.Errorf("told %+v", run)
		}
	}
	if len(w.logged) != 1 || len(w.events) != 1 {
		t.Errorf("%d runs, %d events", len(w.logged), len(w.events))
	}
}

// A request that comes while a run is still open, as it failed, is answered by
// one that reads what came since.
func TestAnOpenRunDoesNotAnswerWhoCameLater(t *testing.T) {
	w := newWorld()
	w.put("acme", "acme-1", "one", matching.AlertHot, "AAA111")
	l := w.start(Options{Pause: 1})
	w.see("AAA111")
	first := w.ask()
	l.die, l.after = 12, true
	l.runner.due.add(hot, first)
	l.rest()
	if run := w.runs[hot]; run.State != transport.RunOpen {
		t.Fatalf("the run is to break off in the middle: %+v", run)
	}
	l = w.start(Options{Pause: 1})
	l.recover()
	w.see("AAA111")
	later, again := w.ask(), &trigger{id: first.id}
	l.runner.due.add(hot, later, again)
	l.rest()
	a, b := again.lastTold(), later.lastTold()
	if a == nil || b == nil || a.ID == b.ID || a.Matches != 1 || b.Matches != 1 || len(w.logged) != 2 {
		t.Errorf("first %+v, later %+v", a, b)
	}
}
