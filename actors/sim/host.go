package sim

import (
	"time"

	"github.com/postrider/postrider/actors/lease"
)

// host is a machine on which one node runs at a time: after its end the next one
// is started there.
type host struct {
	w    *world
	name string
	node *node // nil: none runs
	// cut: the host does not reach NATS, whatever others do. mute: what it writes
	// does not arrive, what it reads does.
	cut, mute bool
	wall      time.Duration // by how much its wall clock was set since the beginning
}

func (w *world) newHost() {
	h := &host{w: w, name: "host-" + string(rune('a'+len(w.hosts)))}
	w.hosts = append(w.hosts, h)
}

func (h *host) away() bool { return h.w.away || h.cut }

// away tells whether the node does not reach NATS.
func (n *node) away() bool { return n.host.away() }

// boot starts a node, which takes the shard when the lease's machine says so.
func (h *host) boot() {
	w := h.w
	w.serverUp = true
	w.lives++
	n := &node{w: w, host: h, alive: true, life: w.lives, ahead: w.serverAhead, born: w.now, wallAtBirth: h.wall,
		pulling: true, flying: map[uint64]*attempt{}, inHand: map[inHand]bool{}}
	h.node = n
	w.note(line{what: "node starts", n: int64(n.life), more: h.name})
	if len(w.hosts) == 1 {
		w.putBack() // streams are set back while no node is there
	}
	n.keeper = newKeeper(n)
	n.keeper.tick()
}

// comeBack starts a node after a while.
func (h *host) comeBack() {
	h.w.after(h.w.dice.between(500*time.Millisecond, 20*time.Second), func() {
		switch {
		case h.node != nil || h.retired():
		case h.away():
			h.comeBack()
		default:
			h.boot()
		}
	})
}

// retired: a second host is not needed once all is calm, unless the first one
// has no node.
func (h *host) retired() bool {
	return h.w.calmAt > 0 && len(h.w.living()) > 0
}

// living are the nodes that run, those that are frozen included.
func (w *world) living() (all []*node) {
	for _, h := range w.hosts {
		if h.node != nil {
			all = append(all, h.node)
		}
	}
	return all
}

// anyNode chooses a living node, the owner more often than others.
func (w *world) anyNode() *node {
	all := w.living()
	switch {
	case w.node != nil && !w.dice.one(3):
		return w.node
	case len(all) == 0:
		return nil
	}
	return of(w.dice, all...)
}

// moment is now by both clocks of the node's machine.
func (n *node) moment() lease.Moment {
	ran := n.w.now - n.born
	return lease.Moment{Mono: ran - n.lag, Wall: ran + n.host.wall - n.wallAtBirth}
}

const (
	// suspendedMost bounds by how much a node's steady clock is late after its
	// machine was suspended: together with mostAhead less than a recovery's margin.
	suspendedMost = 8 * time.Second
	// frozenMost is how long a process is frozen.
	frozenMost = time.Minute
)

// freezeSoon freezes a node now, or the owner in the middle of its work.
func (w *world) freezeSoon() {
	if w.node != nil && !w.dice.one(3) {
		w.freezeIn = w.dice.most(60)
		return
	}
	w.freeze(w.anyNode())
}

// openPull is how long a pull stands: what comes within it is sent to a node that
// is frozen.
const openPull = time.Second

// freeze stops a node for a while in the middle of whatever it does: its process
// alone, or the whole machine, whose monotonic clock then stands still too.
func (w *world) freeze(n *node) {
	if n == nil || n.frozen {
		return
	}
	d := w.dice.between(100*time.Millisecond, suspendedMost)
	if w.dice.one(4) {
		d = w.dice.between(suspendedMost, frozenMost)
	}
	suspended := w.dice.one(3) && n.lag+d <= suspendedMost
	w.did(frozen)
	w.note(line{what: "freezes", n: int64(n.life), more: d.String()})
	n.frozen, n.pullEnds = true, w.now+w.dice.between(0, openPull)
	w.log.swallow(n)
	w.after(d, func() { n.thaw(d, suspended) })
}

// thaw has the node go on. What came meanwhile comes now, in any order.
func (n *node) thaw(d time.Duration, suspended bool) {
	if !n.alive {
		return
	}
	n.w.note(line{what: "goes on", n: int64(n.life)})
	n.frozen = false
	if suspended {
		n.lag += d
		n.ahead -= d
	}
	late := n.late
	n.late = nil
	n.w.dice.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	for _, f := range late {
		n.arrive(n.w.dice.between(0, 20*time.Millisecond), f)
	}
}

// after calls f when d has passed by the node's monotonic clock, unless the node
// is dead by then.
func (n *node) after(d time.Duration, f func()) {
	lag := n.lag
	n.arrive(d, func() {
		if stood := n.lag - lag; stood > 0 {
			n.after(stood, f)
			return
		}
		f()
	})
}

// arrive calls f when d has passed, as something that comes from outside.
func (n *node) arrive(d time.Duration, f func()) { n.w.after(d, func() { n.run(f) }) }

// run calls f, once the node is not frozen.
func (n *node) run(f func()) {
	switch {
	case !n.alive:
	case n.frozen:
		n.late = append(n.late, f)
	default:
		f()
	}
}

// setWall sets a host's wall clock. What its node does goes by a steady clock; the
// lease alone looks at both, to tell a machine that was suspended.
func (w *world) setWall() {
	if n := w.anyNode(); n != nil {
		w.did(clockJumps)
		n.host.wall = w.dice.between(-time.Hour, time.Hour)
		w.note(line{what: "wall clock is set", n: int64(n.life), more: n.host.wall.String()})
	}
}

// cutOff takes NATS away from one host for a while, or what it writes there.
func (w *world) cutOff() {
	n := w.anyNode()
	if n == nil || n.host.cut || n.host.mute {
		return
	}
	h := n.host
	if w.dice.one(3) {
		h.mute = true
		w.did(muted)
		w.note(line{what: "its writes are lost", n: int64(n.life)})
	} else {
		h.cut = true
		w.did(cutOffs)
		w.note(line{what: "is cut off", n: int64(n.life)})
	}
	w.after(w.dice.between(500*time.Millisecond, 40*time.Second), h.reconnect)
}

func (h *host) reconnect() {
	if h.cut || h.mute {
		h.cut, h.mute = false, false
		h.w.note(line{what: "is connected again", more: h.name})
	}
}
