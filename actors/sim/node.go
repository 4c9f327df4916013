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

// node is one life of the process: all of it is lost at a kill. It stands by until
// the lease's machine says that the shard is its own; system and shard are nil
// before it has taken it.
type node struct {
	w      *world
	host   *host
	alive  bool
	life   int
	keeper *keeper
	epoch  uint64 // of its ownership; 0: it never owned the shard
	// born and wallAtBirth are where its clocks began; lag is for how long its
	// monotonic one stood still, late what came while it was frozen.
	born, wallAtBirth, lag time.Duration
	frozen                 bool
	pullEnds               time.Duration // of a frozen node: until then it is sent what comes
	late                   []func()

	system  *actors.System
	shard   *shard.Shard
	ahead   time.Duration // of its steady clock against one that is right
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

	revisions map[string]uint64 // of the memories, as it knows them
}

type inHand struct {
	c   *consumer
	seq uint64
}

func (n *node) newParker() *parker {
	return &parker{n: n, cutter: recovery.NewCutter(strconv.Itoa(n.life) + "_"), open: map[string]*gathered{}}
}

// own: the lease's machine says that the shard is this node's.
func (n *node) own(epoch uint64) {
	w := n.w
	w.note(line{what: "owns the shard", n: int64(n.life), seq: epoch})
	// One that slept over its taking may say so after another has taken the shard.
	if w.owner == nil || !w.owner.alive || epoch > w.owner.epoch {
		w.forget(w.node, true)
		w.owner = n
	}
	n.epoch = epoch
	w.takings++
	w.did(takings)
	n.after(w.dice.between(0, 5*time.Millisecond), n.take)
}

// take reads what the shard's streams tell and begins to work, unless the node
// came to its end over that.
func (n *node) take() {
	w := n.w
	recovered := w.recover(n)
	if recovered == nil {
		return
	}
	n.reached = w.journal.reached
	n.journal = &journal{n: n}
	if w.owner == n {
		w.node = n
		w.judge.begun(n)
	}
	n.system = actors.NewStepped(w.dice.IntN)
	n.shard = shard.New(shard.Options{
		System: n.system, Deps: n.deps(), Memories: maps.Clone(w.memories), Recovered: recovered,
		RecallAll: n.recallAll, Window: w.plan.window, WindowBytes: w.plan.windowBytes, Idle: w.plan.idle,
		There: n.there, Away: n.away, Routed: n.routed, Fatal: func(err error) { w.breaks("no panic", "%v", err) },
		Logger: slog.New(errorLog{w}),
	})
	n.revisions = maps.Clone(w.revisions)
	if n.keeper.halted {
		n.shard.Halt()
	}
	for _, rcv := range w.receivers {
		if rcv.endpoint != nil {
			n.begin(change{rcv, rcv.endpoint})
			for n.awaited != nil && n.step() {
			}
		}
	}
	n.shard.Known()
	n.after(250*time.Millisecond, n.realign)
	n.after(purgeEvery, n.purge)
	n.tick()
}

// judged tells whether the node is the one that the judge follows: the last that
// took the shard. Of one that was deposed the judge sees what it does alone.
func (n *node) judged() bool { return n.w.node == n }

// forget has the judge forget what dies with a node; lossy: it was no graceful end.
func (w *world) forget(n *node, lossy bool) {
	if n != nil && w.node == n {
		w.node = nil
		w.judge.ended(lossy)
	}
}

// lost: another node owns the shard. This one hands back what it has and ends.
func (n *node) lost() {
	w := n.w
	w.did(deposed)
	w.note(line{what: "is deposed", n: int64(n.life)})
	w.forget(n, true)
	n.pulling = false
	if n.shard != nil {
		_ = n.shard.Drain(ended)
	}
	n.after(w.dice.between(0, 500*time.Millisecond), n.gone)
}

// gone: the process has ended.
func (n *node) gone() {
	n.w.note(line{what: "has ended", n: int64(n.life)})
	n.w.forget(n, true)
	n.alive, n.air = false, nil
	n.host.node = nil
	if !n.w.plan.external {
		n.w.serverUp = false
	}
	n.host.comeBack()
}

func (n *node) deps() endpoint.Deps {
	return endpoint.Deps{
		Sender: sender{}, Journal: n.journal, Parker: n.newParker(),
		Graveyard: graveyard{n}, Memories: &memories{n: n}, Teller: teller{n}, Observer: observer{n}, Runner: n,
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
	if n.judged() {
		n.w.judge.stepped()
	}
	return true
}

// pulls tells whether what is in the log can reach the node.
func (n *node) pulls() bool { return n.pulling && n.shard != nil && !n.away() && n.w.serverUp }

// pull hands the shard what it has room for, at most so many messages.
func (n *node) pull(most int) (any bool) {
	w := n.w
	if !n.pulls() || !n.keeper.acts() {
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
