package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// gatePoll is how soon an attempt that may not be sent looks again.
const gatePoll = 20 * time.Millisecond

// Start makes one attempt where the node acts as the shard's owner. Else it ends
// unsent, when the node acts again or was told to halt.
func (n *node) Start(j *endpoint.Attempt) {
	l := j.Lease()
	n.sent++
	a := &attempt{n: n, rcv: n.w.byID[l.Endpoint], pair: l.Pair, number: j.Number(), key: n.sent, end: j.End}
	n.flying[a.key] = a
	a.enter()
}

func (a *attempt) enter() {
	n := a.n
	switch {
	case a.over:
	case a.waited && (n.keeper.acts() || n.keeper.halted):
		a.finish(endpoint.Halted)
	case n.keeper.acts():
		a.leave()
	default:
		a.waited = true
		n.after(gatePoll, a.enter)
	}
}

// leave sends it.
func (a *attempt) leave() {
	n := a.n
	a.left, a.began, a.version = true, n.w.now, a.rcv.view.version
	n.w.note(line{what: "attempt", endpoint: a.rcv.id, seq: a.pair.Seq, n: int64(a.number)})
	n.w.judge.acts(n, "sends")
	n.w.judge.started(a)
	n.w.attempts++
	a.travel()
}

// halt: the lease gives no proof any more that the shard is this node's.
func (n *node) halt() {
	n.w.did(halts)
	n.w.note(line{what: "halts", n: int64(n.life)})
	if n.shard != nil {
		n.shard.Halt()
	}
}

// goOn: it does.
func (n *node) goOn() {
	n.w.note(line{what: "may go on", n: int64(n.life)})
	if n.shard != nil {
		n.shard.GoOn()
	}
}

// cutAttempts breaks off all that is under way.
func (n *node) cutAttempts() {
	for _, k := range slices.Sorted(maps.Keys(n.flying)) {
		n.w.did(cutAttempts)
		n.flying[k].finish(endpoint.Halted)
	}
}
