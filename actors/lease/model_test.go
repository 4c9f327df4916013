package lease

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// Some nodes, a stream with guarded writes, and everything that may go wrong
// between them: requests and answers that are late or lost, writes that are sent
// again, leaders that vanish and stale ones that go on answering, nodes that are
// frozen, suspended, killed or stopped in good order, clocks that run at
// different speeds. At no moment do two nodes act; and once nothing goes wrong
// any more, one does.
func TestNeverTwoOwners(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newModel(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 3).Draw(t, "nodes"))
		for w.now < 90*time.Second {
			w.trouble()
			w.next()
		}
		w.calm = true
		for until := w.now + 30*time.Second; w.now < until; {
			w.next()
		}
		if idle := w.now - w.acted; idle > 2*time.Second { // a record written anew may make for a pause
			t.Fatalf("30 s after the last trouble nobody has acted for %v\n%s", idle, w.tail())
		}
	})
}

// model is the world round the machines. Time is the world's own.
type model struct {
	t     *rapid.T
	dice  *rand.Rand
	now   time.Duration
	queue []event
	nodes []*modelNode
	boots int
	calm  bool
	acted time.Duration // when somebody did last
	trace []string

	last    uint64
	records [Streams]transport.OwnerRecord
	ids     map[string]bool // of the writes that were stored: the dedup window
	leader  int
	away    time.Duration // there is no leader until then
	stale   *Look         // what a leader that was cut off goes on telling
	staleTo time.Duration
}

type event struct {
	at time.Duration
	do func()
}

type modelNode struct {
	w     *model
	name  string
	m     *Machine
	boot  string
	rate  float64       // of its clock
	lost  time.Duration // of its monotonic clock, while it was suspended
	froze time.Duration // until when it is frozen
	dead  bool
	held  []func() // what came while it was frozen

	writing bool // a guarded write is under way
	writes  int
}

func newModel(t *rapid.T, seed uint64, nodes int) *model {
	w := &model{t: t, dice: rand.New(rand.NewPCG(seed, 1)), ids: map[string]bool{}}
	for i := range nodes {
		n := &modelNode{w: w, name: string(rune('a' + i)), rate: 0.85 + 0.3*w.dice.Float64()}
		n.begin()
		w.nodes = append(w.nodes, n)
		w.every(n, func() { n.step(Input{Kind: Ticked}); n.journal() })
	}
	return w
}

// begin is a new run of the node.
func (n *modelNode) begin() {
	n.w.boots++
	n.boot, n.dead, n.writing, n.held = fmt.Sprintf("%s%d", n.name, n.w.boots), false, false, nil
	n.m = New(Options{Node: n.name, Boot: n.boot, Keep: [Streams]time.Duration{Journal: 40 * time.Second}})
}

func (n *modelNode) moment() Moment {
	run := time.Duration(float64(n.w.now) * n.rate)
	return Moment{Mono: run - n.lost, Wall: run}
}

func (w *model) at(d time.Duration, do func()) {
	i, _ := slices.BinarySearchFunc(w.queue, d, func(e event, d time.Duration) int {
		if e.at <= d {
			return -1
		}
		return 1
	})
	w.queue = slices.Insert(w.queue, i, event{d, do})
}

func (w *model) every(n *modelNode, do func()) {
	var again func()
	again = func() {
		if !n.frozen() {
			do()
		}
		w.at(w.now+50*time.Millisecond+time.Duration(w.dice.IntN(100))*time.Millisecond, again)
	}
	w.at(w.now, again)
}

func (n *modelNode) frozen() bool { return n.dead || n.w.now < n.froze }

// next takes the next event, and judges.
func (w *model) next() {
	e := w.queue[0]
	w.queue, w.now = w.queue[1:], e.at
	e.do()
	acting := w.acting()
	if len(acting) > 1 {
		w.t.Fatalf("at %v %v act at once\n%s", w.now, acting, w.tail())
	}
	if len(acting) == 1 {
		w.acted = w.now
	}
}

func (w *model) acting() (names []string) {
	for _, n := range w.nodes {
		if !n.frozen() && n.m.Acts(n.moment()) {
			names = append(names, n.boot)
		}
	}
	return names
}

func (w *model) tell(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%8v ", w.now.Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (w *model) tail() (text string) {
	for _, line := range w.trace[max(0, len(w.trace)-60):] {
		text += line + "\n"
	}
	return text
}

// delay is how long something is on its way; false: it is lost.
func (w *model) delay() (time.Duration, bool) {
	switch n := w.dice.IntN(40); {
	case w.calm || n > 4:
		return time.Duration(1+w.dice.IntN(20)) * time.Millisecond, true
	case n > 1:
		return time.Duration(w.dice.IntN(4000)) * time.Millisecond, true
	}
	return 0, false
}

// ask sends a request of this run of the node to the stream and brings back the
// answer, or that there was none within a time.
func (n *modelNode) ask(limit time.Duration, stored func() Input, failed Input) {
	w, m, over := n.w, n.m, false
	end := func(in Input) {
		n.when(m, func() {
			if !over {
				over = true
				n.step(in)
			}
		})
	}
	w.at(w.now+time.Duration(float64(limit)/n.rate), func() { end(failed) })
	there, arrives := w.delay()
	if !arrives {
		return
	}
	w.at(w.now+there, func() {
		if w.now < w.away {
			return
		}
		in := stored()
		if back, comes := w.delay(); comes {
			w.at(w.now+back, func() { end(in) })
		}
	})
}

// when runs do for a run of the node, once that is not frozen.
func (n *modelNode) when(m *Machine, do func()) {
	switch {
	case n.dead || n.m != m:
	case n.frozen():
		n.held = append(n.held, do)
	default:
		do()
	}
}

func (n *modelNode) step(in Input) {
	for _, e := range slices.Clone(n.m.Step(n.moment(), in)) {
		n.perform(&e)
	}
}

func (n *modelNode) perform(e *Effect) {
	w := n.w
	switch e.Do {
	case Watch:
		sent := n.moment()
		n.ask(GapMost, func() Input {
			return Input{Kind: Looked, Sent: sent, Look: w.look()}
		}, Input{Kind: Unseen})
	case Write:
		n.write(*e)
	case Beat:
		if n.writing {
			n.step(Input{Kind: Beaten})
			return
		}
		n.guarded(true)
	case Own, Lose, Leave:
		w.tell("%s: %v, epoch %d", n.boot, map[Do]string{Own: "owns", Lose: "lost", Leave: "left"}[e.Do], n.m.epoch)
		if e.Do != Own {
			m := n.m
			w.at(w.now+time.Second, func() { n.when(m, n.begin) })
		}
	}
}

func (w *model) look() Look {
	if w.stale != nil && w.now < w.staleTo && w.dice.IntN(2) == 0 {
		return *w.stale
	}
	return w.truth()
}

func (w *model) truth() Look {
	return Look{Leader: fmt.Sprint("leader", w.leader), Last: w.last, Records: w.records}
}

func (n *modelNode) write(e Effect) {
	w, sent, boot := n.w, n.moment(), n.boot
	n.ask(writeTimeout, func() Input {
		if w.records[e.Stream].Seq != e.After || e.Silent && w.last != e.Last {
			return Input{Kind: Refused, Stream: e.Stream}
		}
		w.last++
		w.records[e.Stream] = transport.OwnerRecord{Owner: e.Owner, Seq: w.last}
		w.tell("%s: record of stream %d, epoch %d, at %d, released %v", boot, e.Stream, e.Owner.Epoch, w.last, e.Owner.Released)
		return Input{Kind: Stored, Stream: e.Stream, Seq: w.last, Sent: sent}
	}, Input{Kind: Unanswered, Stream: e.Stream})
}

// journal: an owner writes now and then, whether it acts or not.
func (n *modelNode) journal() {
	if s := n.m.State(); !n.writing && (s == Owning || s == Doubting) && n.w.dice.IntN(20) == 0 {
		n.guarded(false)
	}
}

// guarded sends a write until it is answered, each time as the same one.
func (n *modelNode) guarded(beat bool) {
	n.writing = true
	n.writes++
	n.send(fmt.Sprint(n.boot, "-", n.writes), n.moment(), beat)
}

func (n *modelNode) send(id string, first Moment, beat bool) {
	w, m := n.w, n.m
	guard, boot := n.m.seqs[Journal], n.boot
	over := false
	end := func(do func()) {
		n.when(m, func() {
			if !over {
				over = true
				do()
			}
		})
	}
	done := func(in Input) func() {
		return func() {
			n.writing = false
			n.step(in)
			if beat {
				n.step(Input{Kind: Beaten})
			}
		}
	}
	w.at(w.now+2*time.Second, func() {
		end(func() {
			if beat {
				done(Input{Kind: Ticked})()
				return
			}
			n.send(id, first, false)
		})
	})
	there, arrives := w.delay()
	if !arrives {
		return
	}
	w.at(w.now+there, func() {
		if w.now < w.away {
			return
		}
		answer := done(Input{Kind: Ticked}) // a duplicate: stored, and no proof
		switch {
		case w.ids[id]:
		case w.records[Journal].Seq != guard:
			answer = done(Input{Kind: Deposed})
		default:
			if r := w.records[Journal]; r.Boot != boot || r.Released {
				w.t.Fatalf("%s writes the journal of %+v\n%s", boot, r, w.tail())
			}
			w.last++
			w.ids[id] = true
			w.tell("%s: write at %d", boot, w.last)
			answer = done(Input{Kind: Proved, Sent: first})
		}
		if back, comes := w.delay(); comes {
			w.at(w.now+back, func() { end(answer) })
		}
	})
}

// trouble makes some, now and then.
func (w *model) trouble() {
	if w.dice.IntN(400) != 0 {
		return
	}
	n := w.nodes[w.dice.IntN(len(w.nodes))]
	if acting := w.acting(); len(acting) > 0 && w.dice.IntN(2) == 0 {
		for _, other := range w.nodes {
			if other.boot == acting[0] {
				n = other
			}
		}
	}
	long := time.Duration(w.dice.IntN(8000)) * time.Millisecond
	switch w.dice.IntN(6) {
	case 0:
		w.tell("%s: killed", n.boot)
		n.dead = true
		w.at(w.now+long, n.begin)
	case 1:
		w.tell("%s: stops", n.boot)
		if !n.frozen() {
			n.step(Input{Kind: Left})
		}
	case 2:
		w.tell("%s: suspended for %v", n.boot, long)
		n.lost += time.Duration(float64(long) * n.rate)
		w.freeze(n, long)
	case 3:
		w.stale, w.staleTo = new(Look), w.now+long
		*w.stale = w.truth()
		w.away = w.now + time.Duration(w.dice.IntN(5000))*time.Millisecond
		w.leader++
		w.tell("leader %d after %v, the one before is stale for %v", w.leader, w.away-w.now, long)
	default:
		w.tell("%s: frozen for %v", n.boot, long)
		w.freeze(n, long)
	}
}

func (w *model) freeze(n *modelNode, long time.Duration) {
	n.froze = max(n.froze, w.now+long)
	m := n.m
	w.at(n.froze, func() {
		if n.m != m || n.frozen() {
			return
		}
		w.tell("%s: wakes", n.boot)
		held := n.held
		n.held = nil
		w.dice.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, do := range held {
			n.when(m, do)
		}
	})
}
