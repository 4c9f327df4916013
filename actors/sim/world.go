package sim

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/transport"
)

// world is one run: nodes, what surrounds them, and the judge.
type world struct {
	clock
	trace
	o    Options
	dice dice
	plan plan

	serverAhead time.Duration // of the server's clock against one that is right
	serverUp    bool
	away        bool // no node reaches NATS
	uplinkDown  bool
	log         *eventLog
	deferred    *deferred
	journal     attempts
	setBack     func() // puts a copy of a stream back
	filling     bool   // nothing is published until that is made good
	unseen      bool   // nor does a schedule fire before a node has seen how the streams stand
	memories    map[string]transport.Memory
	revisions   map[string]uint64 // of the memories
	owners      owners
	letters     map[transport.Pair]bool

	receivers []*receiver
	byID      map[string]*receiver
	revision  uint64
	hosts     []*host
	owner     *node // who took the shard last, whatever became of it
	node      *node // the owner, once it works and as long as it does; nil: nobody works
	lives     int   // of nodes
	takings   int   // of the shard
	judge     judge

	faulty    bool
	killIn    int // steps until a kill; 0: none is due
	freezeIn  int // the same until the owner freezes
	calmAt    time.Duration
	settledAt time.Duration
	replays   uint64

	counts                    [faults]int
	attempts, delivered, ends int
	breach                    *Breach
}

func newWorld(o Options) *world {
	w := &world{o: o, dice: newDice(o.Seed), trace: newTrace(o.Trace), faulty: true, serverUp: true,
		memories: map[string]transport.Memory{}, revisions: map[string]uint64{}, letters: map[transport.Pair]bool{}, byID: map[string]*receiver{}}
	w.plan = newPlan(w.dice)
	w.journal.w, w.owners.w = w, w
	w.judge = newJudge(w)
	most := w.plan.window
	if most == 0 {
		most = 16384
	}
	w.log, w.deferred = newLog(w, most), newDeferred(w, most)
	return w
}

func (w *world) serverNow() time.Time { return start.Add(w.now + w.serverAhead) }

// nodeNow is the owner's time; while there is none, that of a clock that is right.
func (w *world) nodeNow() time.Time {
	if w.node != nil {
		return w.node.now()
	}
	return start.Add(w.now)
}

func (w *world) note(l line) {
	l.at = w.now
	w.trace.note(l)
}

// breaks notes the first breach of an invariant; it ends the run.
func (w *world) breaks(invariant, format string, args ...any) {
	if w.breach != nil {
		return
	}
	w.breach = &Breach{Seed: w.o.Seed, At: w.now, Invariant: invariant, What: fmt.Sprintf(format, args...)}
	w.note(line{what: "BREACH", more: invariant + ": " + w.breach.What})
	w.breach.Trace = w.last()
}

// calmMost is how long everything may take to come to its end once all is calm:
// longer than the longest wait of a schedule.
const calmMost = 48 * time.Hour

// run goes on until all has ended, or an invariant is broken.
func (w *world) run() {
	w.begin()
	for w.breach == nil {
		if w.turn() {
			continue
		}
		if w.over() {
			return
		}
		at, any := w.next()
		switch {
		case !any:
			w.breaks("everything ends", "nothing is left to happen")
		case w.calmAt > 0 && at > w.calmAt+calmMost:
			w.breaks("everything ends", "%v after the last fault %s", calmMost, w.standing())
		default:
			w.runNext()
		}
	}
}

// pass runs the world until then; whoever calls it waits.
func (w *world) pass(until time.Duration) {
	for w.breach == nil {
		if w.turn() {
			continue
		}
		at, any := w.next()
		if !any || at > until {
			w.now = max(w.now, until)
			return
		}
		w.runNext()
	}
}

// turn has a node handle one message or pull at this instant; false: none has
// anything to do. Now and then time goes on although one has.
func (w *world) turn() bool {
	if n := w.node; n != nil && w.killIn == 1 {
		w.killIn = 0
		n.kill()
		return true
	}
	if at, any := w.next(); any && at-w.now < 5*time.Millisecond && w.dice.one(8) {
		return false
	}
	for _, n := range w.living() {
		if n.shard != nil && !n.frozen && n.turn() {
			return true
		}
	}
	return false
}

func (n *node) turn() bool {
	w := n.w
	if !n.step() {
		return n.pull(w.dice.most(16))
	}
	if w.killIn > 1 && n.judged() {
		w.killIn--
	}
	if w.freezeIn > 0 && n.judged() {
		if w.freezeIn--; w.freezeIn == 0 {
			w.freeze(n)
		}
	}
	if w.dice.one(16) {
		n.pull(w.dice.most(4))
	}
	if w.dice.one(4096) {
		w.judge.scan()
	}
	return true
}

// over tells whether every delivery has ended, long enough ago that no actor may
// live on.
func (w *world) over() bool {
	if w.calmAt == 0 || w.node == nil || w.node.frozen || w.owner != w.node {
		return false
	}
	busy := w.log.floor < w.log.last() || len(w.deferred.parks)+len(w.deferred.dues)+len(w.node.inHand)+len(w.node.changes)+len(w.node.news) > 0
	switch {
	case busy:
		w.settledAt = 0
		return false
	case w.settledAt == 0:
		w.settledAt = w.now
		return false
	case w.now-w.settledAt < w.plan.idle+3*time.Minute:
		return false
	}
	w.atEnd()
	return true
}

// standing tells, for a breach's words, what has not ended.
func (w *world) standing() string {
	s := fmt.Sprintf("%d pairs have no outcome, as %v; the log is acked up to %d of %d; %d schedules, %d due",
		w.judge.scan(), w.judge.undecided(), w.log.floor, w.log.last(), len(w.deferred.parks), len(w.deferred.dues))
	if n := w.node; n != nil {
		fresh, back := n.shard.Room(0)
		s += fmt.Sprintf("; room for events %v, for segments %v; %d messages in hand; the shard: %+v", fresh, back, len(n.inHand), n.shard.Stats())
	}
	return s
}

// atEnd judges that nothing is left anywhere.
func (w *world) atEnd() {
	if waiting := w.judge.scan(); waiting > 0 {
		w.breaks("everything ends", "%d pairs have no outcome, as %v", waiting, w.judge.undecided())
	}
	stats := w.node.shard.Stats()
	if stats.Held+stats.InHand+stats.Waiting != 0 || stats.WindowBytes != 0 {
		w.breaks("everything ends", "the shard still holds something: %+v", stats)
	}
	// What fires twice over a kill, or was acked late, may stay counted until the next start.
	if w.judge.anyDoubled {
		return
	}
	if stats.Parked > w.judge.unseen {
		w.breaks("everything ends", "nothing is parked, and the shard counts %d, of which %d were acked late", stats.Parked, w.judge.unseen)
	}
	if n := w.node.system.Live(); n != 1 && stats.Parked == 0 {
		w.breaks("everything ends", "%d actors of endpoints live on", n-1)
	}
}
