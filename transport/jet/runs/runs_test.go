package runs

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/ledger/cursortest"
)

func TestCursors(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	cursortest.Run(t, s.Cursors(), func() {
		b.Stop()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Cursors().Move(short, "acme.hot", 1, 2); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("with NATS away: %v", err)
		}
		back, stop := s.conn.Reconnects()
		defer stop()
		b.Start()
		jettest.Receive(t, back, "the connection")
	})
}

func TestRunRecords(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	run := aRun("acme", "hot", 10)
	if err := s.StoreRun(ctx, run); err != nil || run.Revision == 0 {
		t.Fatal(err)
	}
	if err := s.StoreRun(ctx, aRun("acme", "hot", 11)); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("two runs of a customer and type at once: %v", err)
	}
	stale := *run
	run.State = transport.RunDone
	if err := s.StoreRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	if err := s.StoreRun(ctx, &stale); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("a stale state: %v", err)
	}
	keys := []transport.RunKey{{Customer: "acme", Type: "normal"}, run.Key(), {Customer: "globex", Type: "hot"}}
	got, err := s.LoadRuns(ctx, keys)
	if err != nil || got[0] != nil || got[2] != nil || !reflect.DeepEqual(got[1], run) {
		t.Errorf("loaded %+v, %v; want %+v", got, err, run)
	}
	if all, err := s.AllRuns(ctx); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], run) {
		t.Errorf("all %+v, %v", all, err)
	}
	if found, err := s.Run(ctx, run.ID); err != nil || found.ID != run.ID {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestRunLog(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	var ids []string
	for i := range 25 {
		run := aRun([]string{"acme", "globex"}[i%5/4], []string{"hot", "normal"}[i%2], uint64(i)+1)
		run.StartedAt = jettest.Time.Add(time.Duration(i/2) * time.Second)
		for range 2 { // a repeat takes the place of the first
			if err := s.LogRun(ctx, run); err != nil {
				t.Fatal(err)
			}
		}
		if run.Customer == "acme" {
			ids = append(ids, run.ID)
		}
	}
	var got []string
	var began time.Time
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := s.Runs(ctx, "acme", "", cursor, 6)
		if err != nil || len(page) > 6 || pages > 5 {
			t.Fatalf("%d runs, %v", len(page), err)
		}
		for _, run := range page {
			if len(got) > 0 && run.StartedAt.After(began) {
				t.Errorf("%s comes after one of %s", run.StartedAt, began)
			}
			began = run.StartedAt
			got = append(got, run.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(ids, got) {
		t.Errorf("listed %v, want %v", got, ids)
	}
	if hot, _, err := s.Runs(ctx, "", "hot", "", 100); err != nil || len(hot) != 13 {
		t.Errorf("%d hot runs, %v", len(hot), err)
	}
	if _, _, err := s.Runs(ctx, "acme", "", "x.y.z", 6); jettest.FieldName(err) != "cursor" {
		t.Errorf("a cursor of nobody: %v", err)
	}
	if run, err := s.Run(ctx, ids[3]); err != nil || run.ID != ids[3] {
		t.Errorf("%+v, %v", run, err)
	}
	for _, id := range []string{"0199c3a0-0000-5000-8000-000000000002", "a.b", ">", "", strings.Repeat("x", 1000)} {
		if _, err := s.Run(ctx, id); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("%.20q: %v", id, err)
		}
	}
}

func TestRunLogIsBounded(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	for i := range runLogMost + 30 {
		run := aRun("acme", "live", uint64(i)+1)
		run.StartedAt = jettest.Time.Add(time.Duration(i) * time.Second)
		if _, err := s.js.PublishAsync(runLogSubject(run), jet.CompactJSON(run)); err != nil {
			t.Fatal(err)
		}
	}
	<-s.js.PublishAsyncComplete()
	if err := s.trimRunLog(ctx, "acme"); err != nil {
		t.Fatal(err)
	}
	page, _, err := s.Runs(ctx, "acme", "", "", 2*runLogMost)
	if err != nil || len(page) != runLogMost || page[len(page)-1].To != 31 {
		t.Errorf("%d runs are left, the oldest to %d, %v", len(page), page[len(page)-1].To, err)
	}
}

// takeTriggers has triggers come to a channel until the test ends.
func takeTriggers(t testing.TB, s *Store) chan *Trigger {
	t.Helper()
	taken := make(chan *Trigger, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Triggers(ctx, func(t *Trigger) { taken <- t }) }()
	t.Cleanup(func() {
		cancel()
		if err := jettest.Receive(t, ended, "the end of triggers"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return taken
}

func TestTriggersByHand(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	taken := takeTriggers(t, s)
	type answer struct {
		run *transport.Run
		err error
	}
	key := transport.RunKey{Customer: "acme", Type: transport.RunSummary}
	ask := func(ctx context.Context, wait bool) chan answer {
		answers := make(chan answer, 1)
		go func() {
			run, err := s.StartRun(ctx, key, wait)
			answers <- answer{run, err}
		}()
		return answers
	}
	for name, c := range map[string]struct {
		wait bool
		tell func(*Trigger)
		want string
	}{
		"made":                  {false, func(tr *Trigger) { tr.Tell(aRun("acme", "hot", 10)) }, "open 0 "},
		"nothing to run":        {true, func(tr *Trigger) { tr.Tell(nil) }, "none"},
		"what it waits for":     {true, func(tr *Trigger) { tr.Delay("Redis is away") }, " 0 Redis is away"},
		"made and then done":    {true, func(tr *Trigger) { tellTwice(tr, transport.RunDone, "") }, "done 3 "},
		"it fails for the time": {true, func(tr *Trigger) { tellTwice(tr, transport.RunOpen, "no log") }, "open 3 no log"},
	} {
		answers := ask(jettest.Context(t), c.wait)
		tr := jettest.Receive(t, taken, "a trigger")
		if tr.Key != key || tr.ID().Seq == 0 || tr.ID().At.IsZero() {
			t.Errorf("%s: %s %+v", name, tr.Key, tr.ID())
		}
		c.tell(tr)
		tr.Settle()
		got, words := jettest.Receive(t, answers, "the answer"), "none"
		if got.run != nil {
			words = fmt.Sprintf("%s %d %s", got.run.State, got.run.Matches, got.run.Error)
		}
		if got.err != nil || words != c.want {
			t.Errorf("%s: %q, %v; want %q", name, words, got.err, c.want)
		}
	}

	short, cancel := context.WithTimeout(jettest.Context(t), 200*time.Millisecond)
	defer cancel()
	got := jettest.Receive(t, ask(short, false), "the answer")
	if got.err != nil || got.run == nil || got.run.ID != "" || got.run.State != "" {
		t.Errorf("with nobody there: %+v", got)
	}
	jettest.Receive(t, taken, "a trigger").Settle() // stored, it is carried out nevertheless
	if _, err := s.StartRun(jettest.Context(t), transport.RunKey{Customer: "a.b", Type: "hot"}, false); jettest.FieldName(err) != "customer" {
		t.Errorf("a customer of two words: %v", err)
	}
}

// tellTwice is of a run's record, and of what came of it.
func tellTwice(tr *Trigger, state, fault string) {
	run := aRun("acme", "hot", 10)
	tr.Tell(run)
	run.State, run.Matches, run.Error = state, 3, fault
	tr.Tell(run)
}

// Rows of an older version may share an id: each is listed as it was.
func TestRunsOfOneIDAreListedEach(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for i := range 3 {
		run := aRun("acme", "hot", 10)
		run.ID, run.StartedAt = "0199c3a0-0000-5000-8000-000000000002", jettest.Time.Add(time.Duration(i)*time.Minute)
		if err := s.LogRun(jettest.Context(t), run); err != nil {
			t.Fatal(err)
		}
	}
	page, _, err := s.Runs(jettest.Context(t), "acme", "", "", 10)
	if err != nil || len(page) != 3 || !page[0].StartedAt.After(page[1].StartedAt) || !page[1].StartedAt.After(page[2].StartedAt) {
		t.Errorf("%+v, %v", page, err)
	}
}

// What is triggered and not settled comes again; what is settled does not.
func TestTriggersThatAreNotSettled(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	for range 20 { // of one subject a handful is kept
		jettest.Publish(t, s.js, "runs.acme.hot", "")
	}
	jettest.Publish(t, s.js, "runs.acme.normal", "")
	ctx, cancel := context.WithCancel(context.Background())
	taken, ended := make(chan *Trigger, 100), make(chan error, 1)
	go func() { ended <- s.Triggers(ctx, func(t *Trigger) { taken <- t }) }()
	for range triggersWaiting + 1 {
		tr := jettest.Receive(t, taken, "a trigger")
		if tr.Key.Type == "hot" {
			tr.Settle()
		}
	}
	cancel()
	if err := jettest.Receive(t, ended, "the end of triggers"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	closeStore(t, s)
	s = openEmbedded(t, o)
	info, err := s.js.Stream(jettest.Context(t), StreamRuns)
	if err != nil || info.CachedInfo().State.Msgs != 1 {
		t.Errorf("%d messages are left, %v", info.CachedInfo().State.Msgs, err)
	}
}

// JetStream triggers runs in a time zone: here one of which the zone's hour is
// named, and another that is an hour off.
func TestSchedulesFire(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	taken := takeTriggers(t, s)
	zone, err := time.LoadLocation("America/St_Johns") // its hours are half an hour off
	if err != nil {
		t.Fatal(err)
	}
	key := func(customer string) transport.RunKey { return transport.RunKey{Customer: customer, Type: "hot"} }
	// JetStream has seconds, which ours leave at 0: the test writes them itself.
	soon := time.Now().Add(2 * time.Second)
	put := func(customer string, at time.Time) {
		t.Helper()
		m := nats.NewMsg(subjectSchedules + key(customer).String())
		m.Header.Set(jet.HeaderSchedule, at.Format("5 4 15 2 1 *"))
		m.Header.Set(headerZone, "America/St_Johns")
		m.Header.Set(jet.HeaderTarget, subjectTriggers+key(customer).String())
		if _, err := s.js.PublishMsg(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	put("inutc", soon.UTC())
	put("inzone", soon.In(zone))
	got := jettest.Receive(t, taken, "the schedule")
	if late := time.Since(soon.Truncate(time.Second)); got.Key != key("inzone") || late < 0 {
		t.Errorf("%s fired, %s late", got.Key, late)
	}
	got.Settle()
}

func TestSchedules(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	acme, globex := transport.RunKey{Customer: "acme", Type: "normal"}, transport.RunKey{Customer: "globex", Type: "hot"}
	put := func(key transport.RunKey, cron, zone string) {
		t.Helper()
		if err := s.PutSchedule(ctx, key, transport.RunSchedule{Cron: cron, Zone: zone}); err != nil {
			t.Fatal(err)
		}
	}
	put(acme, "0 7 * * *", "UTC")
	put(acme, "30 6 * * mon-fri,7", "America/Chicago") // takes the place of the first
	put(globex, "*/15 * * * *", "Europe/Berlin")
	for range 2 {
		if err := s.RemoveSchedule(ctx, globex); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []transport.RunSchedule{{Cron: "0 7 * * *", Zone: "Mars/Olympus"}, {Cron: "0 7 * *", Zone: "UTC"}} {
		if err := s.PutSchedule(ctx, globex, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	closeStore(t, s)
	s = openEmbedded(t, o)
	got, err := s.Schedules(jettest.Context(t))
	if want := (transport.RunSchedule{Cron: "30 6 * * mon-fri,7", Zone: "America/Chicago"}); err != nil || len(got) != 1 || got[acme] != want {
		t.Errorf("%v, %v", got, err)
	}
}

func aRun(customer, alertType string, to uint64) *transport.Run {
	run := &transport.Run{Customer: customer, Type: alertType, State: transport.RunOpen, From: 1, Since: 1, To: to, Through: to, StartedAt: jettest.Time}
	run.ID = transport.RunID(run)
	return run
}
