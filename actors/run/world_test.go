package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// world is everything that outlives a process: the log of detections, the
// alerts, records, cursors and events. Each Runner on it is one life of a node.
type world struct {
	mu      sync.Mutex
	log     []transport.RawDetection
	alerts  map[string]*Alert
	history uint64 // revision of the alerts
	runs    map[transport.RunKey]transport.Run
	runsRev uint64
	logged  map[string]transport.Run
	cursors map[string]uint64
	events  []event
	ops     []string
	asked   uint64 // triggers
	buried  map[uint64]int
	now     time.Time

	ledgerAway bool
	life       *life
}

type event struct {
	customer, id string
	report       matching.Report
}

var (
	errDead = errors.New("the process is dead")
	errAway = fmt.Errorf("redis: %w", transport.ErrUnavailable)
)

func newWorld() *world {
	return &world{alerts: map[string]*Alert{}, runs: map[transport.RunKey]transport.Run{}, logged: map[string]transport.Run{},
		cursors: map[string]uint64{}, buried: map[uint64]int{}, now: time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)}
}

// life is one process. Its calls reach the world until it dies: at the call
// that die counts down to, before that call's effect or after it.
type life struct {
	*world
	runner *Runner
	die    int // 0: never
	after  bool
	dead   bool
	// meanwhile is called before each call, without the lock.
	meanwhile func()
}

func (w *world) start(o Options) *life {
	l := &life{world: w}
	o.Detections, o.Records, o.Reports, o.Cursors, o.Alerts, o.Schedules = l, l, l, (*cursorsOf)(l), (*alertsOf)(l), l
	o.Number = func(string) int64 { return 123 }
	o.Now = func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(time.Millisecond); return w.now }
	if o.Workers == 0 {
		o.Workers = 2
	}
	l.runner = New(o)
	for _, id := range slices.Sorted(maps.Keys(w.alerts)) {
		l.runner.Change(w.alerts[id].Customer, id, w.alerts[id])
	}
	w.life = l
	return l
}

// call is one step of the process; effect is what it does to the world.
func (l *life) call(effect func() error) error {
	if l.meanwhile != nil {
		l.meanwhile()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if l.die > 0 {
		if l.die--; l.die == 0 {
			l.dead = true
			if l.after {
				_ = effect()
			}
			return errDead
		}
	}
	return effect()
}

func (l *life) last() uint64 { return uint64(len(l.log)) }

func (l *life) LastDetection(context.Context) (last uint64, err error) {
	err = l.call(func() error { last = l.last(); return nil })
	return last, err
}

func (l *life) ReadDetections(_ context.Context, from, to uint64, take func([]transport.RawDetection) error) error {
	for seq := from; seq <= to; {
		var chunk []transport.RawDetection
		err := l.call(func() error {
			for ; seq <= min(to, l.last()) && len(chunk) < 3; seq++ {
				chunk = append(chunk, l.log[seq-1])
			}
			return nil
		})
		if err != nil || len(chunk) == 0 {
			return err
		}
		if err := take(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) FollowDetections(ctx context.Context, _ uint64, _ func([]transport.RawDetection) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func (l *life) BuryDetections(_ context.Context, unread []transport.UnreadDetection) error {
	return l.call(func() error {
		for _, u := range unread {
			l.buried[u.Seq] = 1
		}
		return nil
	})
}

func (l *life) LoadRuns(_ context.Context, keys []transport.RunKey) (runs []*transport.Run, err error) {
	err = l.call(func() error {
		for _, key := range keys {
			if run, there := l.runs[key]; there {
				runs = append(runs, &run)
			} else {
				runs = append(runs, nil)
			}
		}
		return nil
	})
	return runs, err
}

func (l *life) AllRuns(context.Context) (runs []*transport.Run, err error) {
	err = l.call(func() error {
		for _, run := range l.runs {
			runs = append(runs, &run)
		}
		return nil
	})
	return runs, err
}

func (l *life) StoreRun(_ context.Context, run *transport.Run) error {
	return l.call(func() error {
		if l.runs[run.Key()].Revision != run.Revision {
			return transport.ErrConflict
		}
		l.runsRev++
		run.Revision = l.runsRev
		l.runs[run.Key()] = *run
		return nil
	})
}

func (l *life) LogRun(_ context.Context, run *transport.Run) error {
	return l.call(func() error { l.logged[run.ID] = *run; return nil })
}

func (l *life) LastEvent(context.Context) (last uint64, err error) {
	err = l.call(func() error { last = uint64(len(l.events)); return nil })
	return last, err
}

func (l *life) find(run *transport.Run) bool {
	for i := int(run.After); i < len(l.events); i++ {
		if e := &l.events[i]; e.id == run.ID && e.customer == run.Customer {
			run.Event, run.Matches, run.Alerts = uint64(i)+1, e.report.TotalMatches, len(e.report.AlertDetails)
			return true
		}
	}
	return false
}

func (l *life) FindReport(_ context.Context, run *transport.Run) (found bool, err error) {
	err = l.call(func() error { found = l.find(run); return nil })
	return found, err
}

func (l *life) SubmitReport(_ context.Context, run *transport.Run, data []byte) error {
	return l.call(func() error {
		if l.find(run) {
			return nil
		}
		e := event{customer: run.Customer, id: run.ID}
		if err := json.Unmarshal(data, &e.report); err != nil {
			return err
		}
		l.events = append(l.events, e)
		run.Event = uint64(len(l.events))
		return nil
	})
}

func (l *life) SubmitOps(_ context.Context, customer, what, id string, _ time.Time, _ []byte) error {
	return l.call(func() error { l.ops = append(l.ops, customer+" "+what+" "+id); return nil })
}

func (l *life) Schedules(context.Context) (map[transport.RunKey]transport.RunSchedule, error) {
	return map[transport.RunKey]transport.RunSchedule{}, nil
}
func (l *life) PutSchedule(context.Context, transport.RunKey, transport.RunSchedule) error {
	return nil
}
func (l *life) RemoveSchedule(context.Context, transport.RunKey) error { return nil }

type cursorsOf life

func (c *cursorsOf) Read(_ context.Context, keys []string) (at []uint64, err error) {
	l := (*life)(c)
	err = l.call(func() error {
		if l.ledgerAway {
			return errAway
		}
		for _, key := range keys {
			at = append(at, l.cursors[key])
		}
		return nil
	})
	return at, err
}

func (c *cursorsOf) Move(_ context.Context, key string, from, to uint64) error {
	l := (*life)(c)
	return l.call(func() error {
		switch {
		case l.ledgerAway:
			return errAway
		case l.cursors[key] == to:
			return nil
		case l.cursors[key] != from:
			return transport.ErrConflict
		}
		l.cursors[key] = to
		return nil
	})
}

type alertsOf life

func (a *alertsOf) Revision(context.Context) (revision uint64, err error) {
	l := (*life)(a)
	err = l.call(func() error { revision = l.history; return nil })
	return revision, err
}

func (a *alertsOf) WaitAlerts(context.Context, uint64) error {
	return (*life)(a).call(func() error { return nil })
}

func (a *alertsOf) SettleAlert(_ context.Context, _, id string, revision, position, catchUp uint64, movedFrom string) (uint64, error) {
	l := (*life)(a)
	var next *Alert
	err := l.call(func() error {
		was := l.alerts[id]
		if was == nil || was.Revision != revision {
			return transport.ErrConflict
		}
		one := *was
		next = &one
		l.history++
		next.Position, next.CatchUp, next.MovedFrom, next.Revision = position, catchUp, movedFrom, l.history
		l.alerts[id] = next
		return nil
	})
	if next == nil {
		return 0, err
	}
	l.tell(id, next)
	return next.Revision, err
}

// tell has the process know of an alert's state, as the watch does.
func (w *world) tell(id string, a *Alert) {
	if l := w.life; l != nil {
		customer := strings.SplitN(id, "-", 2)[0]
		l.runner.Change(customer, id, a)
	}
}

// put creates an alert, or edits it: a new name, from now on.
func (w *world) put(customer, id, name, alertType, plate string) {
	a := &Alert{Alert: matching.NewAlert()}
	a.ID, a.Customer, a.AlertName, a.AlertType, a.LicensePlate, a.Email = id, customer, name, alertType, plate, "a@example.com"
	w.mu.Lock()
	w.history++
	a.Position, a.Revision = uint64(len(w.log)), w.history
	w.alerts[id] = a
	w.mu.Unlock()
	w.tell(id, a)
}

// retype changes an alert's type alone, as registry.Alerts does.
func (w *world) retype(id, alertType string) {
	w.mu.Lock()
	was := w.alerts[id]
	if was == nil || was.AlertType == alertType {
		w.mu.Unlock()
		return
	}
	next := *was
	if next.MovedFrom == "" {
		next.MovedFrom = was.AlertType
	}
	if next.AlertType = alertType; next.MovedFrom == alertType {
		next.MovedFrom = ""
	}
	w.history++
	next.Revision = w.history
	w.alerts[id] = &next
	w.mu.Unlock()
	w.tell(id, &next)
}

// describe changes what an alert is called alone: its place stays.
func (w *world) describe(id string) {
	w.mu.Lock()
	was := w.alerts[id]
	if was == nil {
		w.mu.Unlock()
		return
	}
	next := *was
	next.Description += "x"
	w.history++
	next.Revision = w.history
	w.alerts[id] = &next
	w.mu.Unlock()
	w.tell(id, &next)
}

func (w *world) remove(id string) {
	w.mu.Lock()
	w.history++
	delete(w.alerts, id)
	w.mu.Unlock()
	w.tell(id, nil)
}

// see publishes a detection of a plate.
func (w *world) see(plate string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	seq := uint64(len(w.log)) + 1
	w.log = append(w.log, transport.RawDetection{Seq: seq, Stored: w.now.Add(time.Duration(seq) * time.Second),
		Data: fmt.Appendf(nil, `{"license_plate":%q,"result_url":"%d"}`, plate, seq)})
	return seq
}

func (w *world) garbage() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, transport.RawDetection{Seq: uint64(len(w.log)) + 1, Stored: w.now, Data: []byte(`[1`)})
}

// trigger is one of RUNS.
type trigger struct {
	id      transport.RunTrigger
	mu      sync.Mutex
	settled bool
	told    []*transport.Run
	delays  []string
}

func (t *trigger) ID() transport.RunTrigger { return t.id }
func (t *trigger) Settle()                  { t.mu.Lock(); t.settled = true; t.mu.Unlock() }
func (t *trigger) Delay(why string)         { t.mu.Lock(); t.delays = append(t.delays, why); t.mu.Unlock() }
func (t *trigger) Tell(run *transport.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if run != nil {
		one := *run
		run = &one
	}
	t.told = append(t.told, run)
}

func (w *world) ask() *trigger {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return &trigger{id: transport.RunTrigger{Seq: w.asked, At: w.now.Add(time.Duration(w.asked))}}
}

// round carries out what is due by a trigger and by itself, until nothing is.
func (l *life) round(keys ...transport.RunKey) (triggers []*trigger) {
	for _, key := range keys {
		t := l.ask()
		triggers = append(triggers, t)
		l.runner.due.add(key, t)
	}
	l.rest()
	return triggers
}

func (l *life) rest() {
	for {
		taken := l.runner.due.take()
		if len(taken) == 0 || l.dead {
			return
		}
		l.runner.rounds.carryOut(context.Background(), taken)
	}
}

// recover is what a start does.
func (l *life) recover() {
	_ = l.runner.rounds.takeUp(context.Background()) // where the process dies meanwhile, another takes it up
}

// live looks at all that came since.
func (l *life) live(t *tailing) (*tailing, error) {
	ctx := context.Background()
	if t == nil {
		if err := l.runner.live.resumeLive(ctx); err != nil {
			return nil, err
		}
		t = &tailing{live: l.runner.live}
		if _, err := l.runner.live.beginTail(ctx, t); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	t.batch = slices.Clone(l.log[min(int(t.adopter.tail.to), len(l.log)):])
	l.mu.Unlock()
	if err := t.look(ctx); err != nil {
		l.runner.live.endTail()
		return nil, err
	}
	t.keep(ctx)
	return t, nil
}
