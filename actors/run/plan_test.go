package run

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

var (
	start = time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	hot   = transport.RunKey{Customer: "acme", Type: matching.AlertHot}
)

func done(to uint64) *transport.Run {
	return &transport.Run{Customer: "acme", Type: matching.AlertHot, State: transport.RunDone, To: to, Revision: 3}
}

func boundsOf(alerts ...Alert) (b bounds) {
	for i := range alerts {
		b.add(&alerts[i])
	}
	return b
}

func at(position, catchUp uint64) Alert {
	return Alert{Alert: matching.Alert{Position: position}, CatchUp: catchUp}
}

func TestPlan(t *testing.T) {
	trigger := transport.RunTrigger{Seq: 5, At: start}
	for _, c := range []struct {
		name                     string
		last, cursor             uint64
		record                   *transport.Run
		alerts                   []Alert
		since, from, to, through uint64
	}{
		{"the first run begins where its first alert does", 100, 0, nil, []Alert{at(70, 0), at(40, 0)}, 41, 41, 100, 100},
		{"the next one where the last one ended", 100, 60, done(60), []Alert{at(40, 0)}, 61, 61, 100, 100},
		{"nothing new", 60, 60, done(60), []Alert{at(40, 0)}, 61, 61, 60, 60},
		{"the ledger is empty: the record counts", 100, 0, done(60), []Alert{at(40, 0)}, 61, 61, 100, 100},
		{"the ledger is behind", 100, 50, done(60), []Alert{at(40, 0)}, 61, 61, 100, 100},
		{"the record is lost: the ledger counts", 100, 60, nil, []Alert{at(40, 0)}, 61, 61, 100, 100},
		{"all alerts are new", 100, 60, done(60), []Alert{at(90, 0)}, 91, 91, 100, 100},
		{"an alert came after the log was looked at", 100, 60, done(60), []Alert{at(105, 0)}, 101, 101, 100, 100},
		{"the log has lost its end", 100, 500, done(400), []Alert{at(40, 0)}, 101, 101, 100, 100},
		{"an alert that came from another type catches up", 100, 60, done(60), []Alert{at(40, 0), at(20, 60)}, 21, 61, 100, 100},
		{"it alone", 100, 60, done(60), []Alert{at(20, 60)}, 21, 61, 100, 100},
		{"though nothing is new", 60, 60, done(60), []Alert{at(20, 60)}, 21, 61, 60, 60},
	} {
		run, ok := plan(&situation{key: hot, last: c.last, event: 7, revision: 9, trigger: trigger, record: c.record,
			parts: []standing{{matching.AlertHot, c.cursor, boundsOf(c.alerts...)}}}, start)
		if !ok || run.Since != c.since || run.From != c.from || run.To != c.to || run.Through != c.through {
			t.Errorf("%s: since %d, from %d, to %d, through %d", c.name, run.Since, run.From, run.To, run.Through)
		}
		if run.ID != transport.RunID(&run) || run.State != transport.RunOpen || run.After != 7 || run.AlertsRevision != 9 || run.Trigger != trigger || !run.StartedAt.Equal(start) {
			t.Errorf("%s: %+v", c.name, run)
		}
		if c.record != nil && run.Revision != c.record.Revision {
			t.Errorf("%s: it would not take the place of the record", c.name)
		}
	}
}

func TestPlanGoesOnWithWhatIsOpen(t *testing.T) {
	open := &transport.Run{ID: "the id", State: transport.RunOpen, From: 1, To: 10, Through: 10, Revision: 3}
	for _, alerts := range [][]Alert{{at(0, 0)}, nil} {
		run, ok := plan(&situation{key: hot, last: 100, record: open, parts: []standing{{matching.AlertHot, 50, boundsOf(alerts...)}}}, start)
		if !ok || !reflect.DeepEqual(&run, open) {
			t.Errorf("%d alerts: %+v, %v", len(alerts), run, ok)
		}
	}
	if run, ok := plan(&situation{key: hot, last: 100, record: done(60), trigger: transport.RunTrigger{Seq: 1}, parts: []standing{{alertType: matching.AlertHot}}}, start); ok {
		t.Errorf("without alerts there is nothing to run: %+v", run)
	}
}

func TestPlanOfWhatLiveAlertsMissed(t *testing.T) {
	key := transport.RunKey{Customer: "acme", Type: transport.RunCatchUp}
	run, ok := plan(&situation{key: key, last: 500, parts: []standing{{transport.RunCatchUp, 0, boundsOf(at(20, 60), at(30, 90))}}}, start)
	if !ok || run.Since != 21 || run.From != 91 || run.To != 90 || run.Through != 90 || run.AlertType() != matching.AlertLive {
		t.Errorf("%+v", run)
	}
}

// A summary goes on for each type of alerts where that was.
func TestPlanOfASummary(t *testing.T) {
	key := transport.RunKey{Customer: "acme", Type: transport.RunSummary}
	normal := &transport.Run{Customer: "acme", Type: matching.AlertNormal, State: transport.RunDone, To: 30}
	s := situation{key: key, last: 100, trigger: transport.RunTrigger{Seq: 7}, ended: []*transport.Run{normal, nil, done(60)},
		parts: []standing{{matching.AlertNormal, 20, boundsOf(at(10, 0))}, {matching.AlertHot, 0, boundsOf(at(10, 0), at(40, 50))}}}
	run, ok := plan(&s, start)
	want := []transport.RunPart{{Type: matching.AlertNormal, From: 31, To: 100}, {Type: matching.AlertHot, From: 61, To: 100}}
	if !ok || run.From != 31 || run.To != 100 || run.Since != 31 || run.Through != 100 || !reflect.DeepEqual(run.Parts, want) {
		t.Errorf("%+v", run)
	}
	shorten(&run, 50)
	if run.To != 50 || run.Parts[0].To != 50 || run.Parts[1].To != 60 {
		t.Errorf("shortened: %+v", run)
	}
	run.State = transport.RunDone
	s.key, s.record, s.ended = hot, done(55), []*transport.Run{&run}
	if s.covered(&s.parts[1]) != 60 || s.covered(&s.parts[0]) != 50 {
		t.Error("a summary counts for the types it covers")
	}
	s.key, s.parts = key, s.parts[1:]
	if run, ok = plan(&s, start); !ok || len(run.Parts) != 1 {
		t.Errorf("a type without alerts takes no part: %+v", run)
	}
}

// A run has an id of its own, whatever it reads; a trigger that comes again
// makes no other run, one that comes later does, though the clock was set back
// or the stream made anew meanwhile.
func TestEachTriggerHasItsRun(t *testing.T) {
	s := situation{key: hot, last: 60, trigger: transport.RunTrigger{Seq: 5, At: start}, parts: []standing{{matching.AlertHot, 60, boundsOf(at(0, 0))}}}
	first, _ := plan(&s, start)
	first.State, first.Revision = transport.RunDone, 3
	s.record = &first
	if run, ok := plan(&s, start.Add(time.Minute)); ok {
		t.Errorf("the same trigger again: %+v", run)
	}
	ids := map[string]bool{first.ID: true}
	for i, later := range []transport.RunTrigger{{Seq: 6, At: start.Add(time.Minute)}, {Seq: 6, At: start.Add(-time.Hour)}, {Seq: 1, At: start.Add(time.Minute)}} {
		s.trigger = later
		run, ok := plan(&s, start.Add(time.Duration(i)*time.Minute))
		if !ok || ids[run.ID] || run.From != 61 || run.To != 60 {
			t.Errorf("%+v: %+v", later, run)
		}
		ids[run.ID] = true
	}
	s.trigger = transport.RunTrigger{}
	if run, ok := plan(&s, start); ok {
		t.Errorf("no trigger: %+v", run)
	}
	first.Rest = true
	if run, ok := plan(&s, start); !ok || ids[run.ID] || run.Trigger != first.Trigger {
		t.Errorf("the rest of the last one: %+v", run)
	}
}

// Runs that cover the same alerts are not open at once.
func TestArrange(t *testing.T) {
	of := func(t string) transport.RunKey { return transport.RunKey{Customer: "acme", Type: t} }
	words := func(d dues) string {
		var list []string
		for key, triggers := range d {
			list = append(list, fmt.Sprintf("%s %d", key.Type, len(triggers)))
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
	for _, c := range []struct {
		name       string
		due, open  []string
		now, later string
	}{
		{"normal and hot run together", []string{"normal", "hot"}, nil, "hot 1, normal 1", ""},
		{"a summary is the run of both", []string{"normal", "hot", "summary"}, nil, "summary 3", ""},
		{"an open run is ended before", []string{"summary"}, []string{"hot"}, "hot 0", "summary 1"},
		{"all the same where more is due", []string{"normal", "hot", "summary"}, []string{"hot"}, "hot 1", "summary 2"},
		{"so is an open summary", []string{"hot", "live"}, []string{"summary"}, "live 1, summary 0", "hot 1"},
		{"which takes no other's place", []string{"hot", "summary"}, []string{"summary"}, "summary 1", "hot 1"},
	} {
		due := dues{}
		for _, one := range c.due {
			due[of(one)] = []Trigger{&trigger{}}
		}
		now, later := due.arrange(func(key transport.RunKey) bool { return slices.Contains(c.open, key.Type) })
		if words(now) != c.now || words(later) != c.later {
			t.Errorf("%s: now %s; later %s", c.name, words(now), words(later))
		}
	}
}

func TestWants(t *testing.T) {
	part := &transport.RunPart{Type: matching.AlertHot, From: 61, To: 100}
	for _, c := range []struct {
		seq, position, catchUp uint64
		want                   bool
	}{
		{61, 40, 0, true}, {100, 40, 0, true},
		{60, 40, 0, false}, {101, 40, 0, false},
		{70, 70, 0, false}, {71, 70, 0, true},
		{60, 40, 60, true}, {41, 40, 60, true}, {40, 40, 60, false}, {61, 40, 60, true},
	} {
		if got := wants(part, 100, c.seq, c.position, c.catchUp); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		name        string
		run         transport.Run
		through, to uint64
	}{
		{"the rest is the next run's", transport.Run{Type: "hot", Since: 61, From: 61, To: 100, Through: 100}, 80, 80},
		{"while it was catching up", transport.Run{Type: "hot", Since: 21, From: 61, To: 100, Through: 100}, 40, 60},
		{"before it began", transport.Run{Type: "hot", Since: 61, From: 61, To: 100, Through: 100}, 20, 60},
		{"a catch-up run", transport.Run{Type: transport.RunCatchUp, Since: 21, From: 61, To: 60, Through: 60}, 40, 60},
	} {
		run := c.run
		run.ID = "the id"
		shorten(&run, c.through)
		if run.Through != c.through || run.To != c.to || run.ID != "the id" {
			t.Errorf("%s: %+v", c.name, run)
		}
	}
}

func TestSpans(t *testing.T) {
	runOver := func(since, through uint64) *transport.Run { return &transport.Run{Since: since, Through: through} }
	for _, c := range []struct {
		runs []*transport.Run
		want []span
	}{
		{nil, nil},
		{[]*transport.Run{runOver(61, 60)}, nil},
		{[]*transport.Run{runOver(50, 80), runOver(1, 10), runOver(11, 20), runOver(60, 70), runOver(90, 95)}, []span{{1, 20}, {50, 80}, {90, 95}}},
	} {
		if got := spans(c.runs); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

func TestAdopt(t *testing.T) {
	for _, c := range []struct {
		name                        string
		position, pending, from, to uint64
		wantPosition, wantCatchUp   uint64
	}{
		{"the new runs are ahead: what lies between is to be caught up", 10, 0, 40, 90, 40, 90},
		{"the new runs are behind", 10, 0, 90, 40, 90, 0},
		{"a new alert that no run has seen", 50, 0, 40, 90, 50, 90},
		{"neither type has ever run", 50, 0, 0, 0, 50, 0},
		{"moved on before it had caught up", 20, 60, 60, 90, 20, 90},
		{"moved back before it had caught up", 20, 60, 60, 15, 20, 0},
	} {
		a := at(c.position, c.pending)
		if position, catchUp := adopt(&a, c.from, c.to); position != c.wantPosition || catchUp != c.wantCatchUp {
			t.Errorf("%s: position %d, catch up %d", c.name, position, catchUp)
		}
	}
}

// An alert is not adopted while a run that may take it along is open.
func TestMustWait(t *testing.T) {
	key := func(t string) transport.RunKey { return transport.RunKey{Customer: "acme", Type: t} }
	for _, c := range []struct {
		from, to string
		catchUp  uint64
		open     []string
		want     bool
	}{
		{"normal", "hot", 0, nil, false},
		{"normal", "hot", 60, nil, false},
		{"normal", "hot", 0, []string{"live", transport.RunCatchUp}, false},
		{"normal", "hot", 0, []string{"normal"}, true},
		{"normal", "hot", 0, []string{"hot"}, true},
		{"live", "hot", 0, []string{transport.RunSummary}, true},
		{"live", "hot", 0, []string{"live"}, true},
		{"hot", "live", 0, []string{"live"}, true},
		{"live", "hot", 0, []string{transport.RunCatchUp}, true},
		{"hot", "live", 0, []string{transport.RunCatchUp}, true},
		{"live", "hot", 60, nil, true},
	} {
		d := New(Options{}).rounds.adopter
		for _, t := range c.open {
			d.open[key(t)] = true
		}
		a := &Alert{Alert: matching.Alert{Customer: "acme", AlertType: c.to}, MovedFrom: c.from, CatchUp: c.catchUp}
		if got := d.mustWait(a); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestSchedules(t *testing.T) {
	normal, globex := transport.RunKey{Customer: "acme", Type: "normal"}, transport.RunKey{Customer: "globex", Type: "normal"}
	customers := map[string]transport.Customer{"acme": {TimeZone: "America/Chicago", Schedules: map[string]string{"hot": " 5  * * * * "}}}
	want := schedulesOf([]transport.RunKey{normal, hot, globex}, customers)
	if !reflect.DeepEqual(want, map[transport.RunKey]transport.RunSchedule{
		normal: {Cron: "0 7 * * *", Zone: "America/Chicago"},
		hot:    {Cron: "5 * * * *", Zone: "America/Chicago"},
		globex: {Cron: "0 7 * * *", Zone: "UTC"},
	}) {
		t.Errorf("%v", want)
	}
	gone := transport.RunKey{Customer: "gone", Type: "hot"}
	is := map[transport.RunKey]transport.RunSchedule{normal: want[normal], hot: {Cron: "5 * * * *", Zone: "UTC"}, gone: {}}
	put, remove := scheduleChanges(is, want)
	if !reflect.DeepEqual(put, []transport.RunKey{hot, globex}) || !reflect.DeepEqual(remove, []transport.RunKey{gone}) {
		t.Errorf("put %v, remove %v", put, remove)
	}
}

// An alert that moves needs the schedules of both its types, until it has moved.
func TestScheduledKeys(t *testing.T) {
	s := newAlerts()
	put := func(alertType, from string, active bool) {
		a := &Alert{Alert: matching.NewAlert(), MovedFrom: from}
		a.ID, a.Customer, a.AlertType, a.LicensePlate, a.IsActive = "1", "acme", alertType, "AAA111", active
		if err := s.change("acme", "1", a); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		got := map[string]bool{}
		for _, key := range s.scheduled() {
			got[key.Type] = true
		}
		if len(got) != len(want) {
			t.Errorf("scheduled are %v, want %v", got, want)
		}
		for _, w := range want {
			if !got[w] {
				t.Errorf("scheduled are %v, want %v", got, want)
			}
		}
	}
	put("normal", "", true)
	check("normal")
	put("hot", "normal", true)
	check("normal", "hot")
	put("hot", "", true)
	check("hot")
	put("live", "", true)
	check()
	put("hot", "", false)
	check()
	put("hot", "", true)
	if err := s.change("acme", "1", nil); err != nil {
		t.Fatal(err)
	}
	check()
}

// What is counted for a report is never less than it takes.
func TestReportsAreBounded(t *testing.T) {
	odd := strings.Repeat("a\"\\\n\x00\x7fé\u2028\xff<&>漢😀", 20)
	j := newJob(transport.Run{Customer: "acme", Type: "hot", ID: "0199c3a0-0000-5000-8000-000000000002"})
	for i := range 20 {
		a := matching.NewAlert()
		a.ID, a.AlertName, a.Email, a.CCEmails, a.Description = string(rune('a'+i)), odd, odd, []string{odd, odd}, odd
		m := matching.Match{AlertName: odd, ResultURL: odd, City: odd, DeepSearch: odd, AlertID: a.ID}
		j.take(&found{seq: 1, alert: &a, match: m, bytes: matchBytes(&m)})
	}
	data, err := j.report(123, start)
	if err != nil || len(data) > j.bytes || len(data) < j.bytes/3 {
		t.Errorf("%d bytes, counted %d, %v", len(data), j.bytes, err)
	}
}
