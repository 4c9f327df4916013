package shard

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// plan is a random day of a shard, drawn before it begins.
type plan struct {
	seed  uint64
	ops   []string
	holds bool // the journal is slow, and out of order with the other writes
	slow  bool // attempts take their time
	idle  time.Duration
}

var dayOps = []string{
	"event", "event", "event", "event", "event", "copy", "late copy", "duplicate", "replay",
	"due", "due", "durable", "durable", "register", "disable", "remove", "wait", "break",
}

// Whatever comes, in whatever order: every event and segment is acked, none
// before its outcomes are durable (each ack is checked), and every pair that
// is owed has exactly one end.
func TestWhateverComesIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := plan{
			seed:  rapid.Uint64().Draw(rt, "seed"),
			ops:   rapid.SliceOfN(rapid.SampledFrom(dayOps), 20, 250).Draw(rt, "ops"),
			holds: rapid.Bool().Draw(rt, "holds"),
			slow:  rapid.Bool().Draw(rt, "slow"),
			idle:  time.Duration(rapid.IntRange(1, 20).Draw(rt, "idle")) * time.Second,
		}
		failed := true
		t.Run("", func(t *testing.T) {
			inWorld(t, Options{Idle: p.idle, Window: 64}, func(w *world) { day(w, p) })
			failed = t.Failed()
		})
		if failed {
			rt.Fatalf("plan %+v", p)
		}
	})
}

type daily struct {
	*world
	plan
	dice    *rand.Rand
	handles []*handle
	segs    []*handle
	seq     uint64
	replays uint64
	broken  map[string]bool
}

func day(w *world, p plan) {
	d := &daily{world: w, plan: p, dice: rand.New(rand.NewPCG(p.seed, 1)), broken: map[string]bool{}}
	w.register("e0", "e1", "e2")
	w.receivers(d.answerOf)
	w.mu.Lock()
	w.holding = p.holds
	w.observe = func(r *transport.Record) {
		w.mu.Lock()
		key := fmt.Sprint("break ", r.Endpoint)
		now := d.broken[key] && r.Kind == transport.Tried
		delete(d.broken, key)
		w.mu.Unlock()
		if now {
			panic("the observer broke")
		}
	}
	w.mu.Unlock()
	for _, op := range p.ops {
		d.do(op)
	}
	d.finish()
}

func (d *daily) do(op string) {
	synctest.Wait() // the fan-out of what came before takes room too
	id := fmt.Sprint("e", d.dice.IntN(6))
	switch op {
	case "event":
		if n, _ := d.shard.fresh.used(); n < 64 { // else the test itself would wait
			d.seq++
			d.handles = append(d.handles, d.give(makeEvent(d.seq)))
		}
	case "duplicate":
		if n, _ := d.shard.fresh.used(); n < 64 {
			d.seq++
			ev := makeEvent(d.seq)
			ev.DuplicateOf = 1
			d.handles = append(d.handles, d.give(ev))
		}
	case "copy", "late copy":
		if n, _ := d.shard.fresh.used(); n < 64 && d.seq > 0 {
			d.give(makeEvent(1 + d.dice.Uint64N(d.seq)))
		}
	case "replay":
		if n, _ := d.shard.back.used(); n < 16 && d.seq > 0 {
			d.replays++
			d.mu.Lock()
			d.nextDue++
			n := d.nextDue
			d.mu.Unlock()
			d.segs = append(d.segs, d.giveDue(segment(n, id, transport.Entry{Event: makeEvent(1 + d.dice.Uint64N(d.seq)), Replay: d.replays})))
		}
	case "due":
		d.bring(1)
	case "durable":
		d.calm()
		d.flush(1+d.dice.IntN(10), func(n int) int { return d.dice.IntN(n) })
	case "register":
		d.register(id)
	case "disable":
		ep := makeEndpoint(id)
		ep.Enabled = false
		d.put(ep)
	case "remove":
		d.remove(id)
	case "wait":
		time.Sleep(time.Duration(d.dice.IntN(10_000)) * time.Millisecond)
	case "break":
		d.mu.Lock()
		d.broken["break "+id] = true
		d.mu.Unlock()
	}
	if d.dice.IntN(3) == 0 {
		synctest.Wait()
	}
}

// bring brings up to n parked entries back, some twice.
func (d *daily) bring(n int) {
	for range n {
		used, _ := d.shard.back.used()
		d.mu.Lock()
		if len(d.parked) == 0 || used >= 16 {
			d.mu.Unlock()
			return
		}
		seg := d.parked[0]
		d.parked = d.parked[1:]
		d.mu.Unlock()
		d.segs = append(d.segs, d.giveDue(&seg))
		if d.dice.IntN(5) == 0 {
			d.giveDue(&seg)
		}
	}
}

// answerOf is the same for the same pair and attempt, whatever the order.
func (d *daily) answerOf(ctx context.Context, ep *transport.Endpoint, ev *transport.Event, number int) transport.Answer {
	h := fnv.New64a()
	fmt.Fprint(h, d.seed, ep.ID, ev.Seq, number)
	roll := h.Sum64() >> 20 % 100
	if d.slow {
		select {
		case <-time.After(time.Duration(roll) * 50 * time.Millisecond):
		case <-ctx.Done():
			return transport.Answer{Class: transport.Aborted}
		}
	}
	switch {
	case roll < 60:
		return accepted
	case roll < 70:
		return transport.Answer{Class: transport.Throttled, Status: 429, RetryAfter: time.Duration(roll) * time.Second}
	case roll < 75:
		return transport.Answer{Class: transport.Gone, Status: 410}
	case roll < 78:
		return transport.Answer{Class: transport.Skip, Reason: "unfit"}
	case roll < 80:
		panic("render")
	}
	return failed
}

func (d *daily) finish() {
	d.mu.Lock()
	clear(d.broken)
	d.mu.Unlock()
	for range 1000 {
		d.open()
		time.Sleep(2 * time.Minute) // of the bubble: all that is parked is due
		d.calm()
		d.mu.Lock()
		left := len(d.parked)
		d.mu.Unlock()
		if left == 0 {
			break
		}
		d.bring(left)
	}
	for _, h := range slices.Concat(d.handles, d.segs) {
		if h.state() != "acked" {
			d.t.Errorf("message %d is %s", h.seq, h.state())
		}
	}
	for tn, ids := range d.owed {
		for _, id := range ids {
			if p := (transport.Pair{Seq: tn.seq, Endpoint: id, Replay: tn.replay}); d.final[p] == "" {
				d.t.Errorf("pair %v has no end", p)
			}
		}
	}
	if len(d.twice) > 0 {
		d.t.Errorf("pairs with two ends: %v", d.twice)
	}
	for name, win := range map[string]*gate{"fresh": d.shard.fresh, "back": d.shard.back} {
		if n, b := win.used(); n != 0 || b != 0 || win.coming != 0 {
			d.t.Errorf("window %s: %d leases, %d bytes, %d coming left", name, n, b, win.coming)
		}
	}
	time.Sleep(time.Minute)
	d.calm()
	if n := d.system.Live(); n != 1 {
		d.t.Errorf("%d actors live after all was settled", n)
	}
}
