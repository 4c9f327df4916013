package sim

import (
	"context"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/actors/shard"
	"github.com/postrider/postrider/transport"
)

// node is one life of the process: all of it is lost at a kill.
type node struct {
	w       *world
	alive   bool
	life    int
	system  *actors.System
	shard   *shard.Shard
	ahead   time.Duration // of its clock against one that is right
	skew    time.Duration // the server's clock against its own, as it was learnt
	pulling bool
	journal *journal
	reached transport.Reached

	air    []*write
	flying map[uint64]*attempt
	sent   uint64
	// inHand are the messages that the shard has not settled.
	inHand map[inHand]bool

	news    []change // heard of, not begun
	changes []change // begun one after the other
	awaited <-chan struct{}
}

type inHand struct {
	c   *consumer
	seq uint64
}

// change is one of the registry's on its way to the shard.
type change struct {
	st   *receiver
	next *transport.Endpoint
}

func (n *node) newParker() *parker {
	return &parker{n: n, cutter: recovery.NewCutter(strconv.Itoa(n.life) + "_"), open: map[string]*gathered{}}
}

// startNode takes the shard anew.
func (w *world) startNode() {
	w.serverUp = true
	w.lives++
	n := &node{w: w, alive: true, life: w.lives, ahead: w.serverAhead, pulling: true,
		flying: map[uint64]*attempt{}, inHand: map[inHand]bool{}}
	w.note(line{what: "node starts", n: int64(w.lives)})
	w.putBack()
	recovered := w.recover()
	n.reached = w.journal.reached
	n.journal = &journal{n: n}
	w.node = n
	w.judge.begun(n)
	n.system = actors.NewStepped(w.dice.IntN)
	n.shard = shard.New(shard.Options{
		System: n.system, Deps: n.deps(), Memories: maps.Clone(w.memories), Recovered: recovered,
		RecallAll: n.recallAll, Window: w.plan.window, WindowBytes: w.plan.windowBytes, Idle: w.plan.idle,
		Away:   func() bool { return w.away },
		Routed: w.judge.routed, Fatal: func(err error) { w.breaks("no panic", "%v", err) },
		Logger: slog.New(listener{w}),
	})
	for _, st := range w.receivers {
		if st.endpoint != nil {
			n.begin(change{st, st.endpoint})
			for n.awaited != nil && n.step() {
			}
		}
	}
	n.shard.Known()
	n.after(250*time.Millisecond, n.realign)
	n.after(purgeEvery, n.purge)
	n.tick()
}

func (n *node) deps() endpoint.Deps {
	return endpoint.Deps{
		Sender: sender{}, Journal: n.journal, Parker: n.newParker(),
		Graveyard: graveyard{n}, Memories: &memories{n: n}, Teller: teller{n}, Observer: &n.w.judge, Runner: n,
		Tuning: &n.w.plan.tuning, Now: n.now, Context: context.Background(),
		After: func(d time.Duration, f func()) endpoint.Timer {
			t := &timer{n: n, do: f}
			t.Reset(d)
			return t
		},
	}
}

// step has one actor handle one message, and looks what came of it.
func (n *node) step() bool {
	if !n.system.Step() {
		return false
	}
	n.lookWhetherInEffect()
	n.w.judge.stepped()
	return true
}

// lookWhetherInEffect looks whether the change on its way in is in effect.
func (n *node) lookWhetherInEffect() {
	select {
	case <-n.awaited:
		n.awaited = nil
		n.w.judge.changed(n.changes[0].st, n.changes[0].next)
		if n.changes = n.changes[1:]; len(n.changes) > 0 {
			n.take()
		}
	default:
	}
}

// begin gives the shard a change after those before it.
func (n *node) begin(c change) {
	n.changes = append(n.changes, c)
	if len(n.changes) == 1 {
		n.take()
	}
}

func (n *node) take() {
	c := n.changes[0]
	n.w.judge.changing(c.st, c.next)
	n.w.revision++
	n.awaited = n.shard.Begin(transport.Change{ID: c.st.id, Customer: c.st.customer, Endpoint: c.next, Revision: n.w.revision})
}

// pull hands the shard what it has room for, at most so many messages.
func (n *node) pull(most int) (any bool) {
	w := n.w
	if !n.pulling || w.away || !w.serverUp {
		return false
	}
	for range most {
		if !w.log.pull(n) && !w.deferred.pull(n) {
			return any
		}
		any = true
		if w.dice.one(4) {
			w.deferred.pull(n)
		}
	}
	return any
}

// tick is the shard's: every 100 ms while it holds anything.
func (n *node) tick() {
	n.shard.Tick()
	d := 5 * time.Second
	switch {
	case len(n.inHand) > 0:
		d = 100 * time.Millisecond
	case n.system.Live() > 1:
		d = time.Second
	}
	n.after(d, n.tick)
}

// Start makes one attempt.
func (n *node) Start(j *endpoint.Attempt) {
	l := j.Lease()
	n.sent++
	st := n.w.byID[l.Endpoint]
	a := &attempt{n: n, st: st, pair: l.Pair, number: j.Number(), began: n.w.now, version: st.view.version, end: j.End}
	a.key = n.sent
	n.flying[a.key] = a
	n.w.note(line{what: "attempt", endpoint: st.id, seq: l.Seq, n: int64(a.number)})
	n.w.judge.started(a)
	n.w.attempts++
	a.travel()
}

// timer is a *time.Timer in virtual time.
type timer struct {
	n     *node
	do    func()
	round int
}

func (t *timer) Reset(d time.Duration) bool {
	t.round++
	round := t.round
	t.n.after(d, func() {
		if t.round == round {
			t.do()
		}
	})
	return true
}

func (t *timer) Stop() bool { t.round++; return true }

type sender struct{}

func (sender) Prepare(*transport.Endpoint) (endpoint.Target, error) { return target{}, nil }

// target is never sent to: the node answers in its place.
type target struct{}

func (target) Send(context.Context, *transport.Event, int) transport.Answer {
	return transport.Answer{}
}
func (target) Close() {}

// teller brings a disabling to the registry.
type teller struct{ n *node }

func (t teller) Tell(news transport.News) {
	n, w := t.n, t.n.w
	w.note(line{what: "tells", endpoint: news.Endpoint, more: news.What})
	st := w.byID[news.Endpoint]
	switch news.What {
	case transport.NewsRecovered:
		st.view.breaker.n = 0 // counted from here on
		return
	case transport.NewsFailing:
		st.view.breaker.opened(n.now(), &w.plan.tuning)
		return
	}
	w.judge.disabled(st)
	n.after(w.dice.between(20*time.Millisecond, 500*time.Millisecond), func() {
		if st.endpoint != nil && st.endpoint.State != transport.StateDisabled {
			next := *st.endpoint
			next.State = transport.StateDisabled
			w.register(st, &next)
		}
	})
}

// listener takes an error in the log as a breach: nothing here may cause one.
type listener struct{ w *world }

func (l listener) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (l listener) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l listener) WithGroup(string) slog.Handler                    { return l }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	more := ""
	r.Attrs(func(a slog.Attr) bool { more += " " + a.String(); return true })
	l.w.breaks("no error", "%s%s", r.Message, more)
	return nil
}
