package node

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// owning is a lease that acts or does not, as a test says.
type owning struct{ atomic.Bool }

func (o *owning) Acts() bool       { return o.Load() }
func (o *owning) Proved(time.Time) {}
func (o *owning) Refused()         {}

// endless is a target whose receiver never answers.
type endless struct{ sent atomic.Int32 }

func (e *endless) Send(ctx context.Context, _ *transport.Event, _ int) transport.Answer {
	e.sent.Add(1)
	<-ctx.Done()
	return transport.Answer{Class: transport.Aborted}
}

func (e *endless) Close() {}

func newGated() (gated, *owning, *endless) {
	lease, target := &owning{}, &endless{}
	fence := jet.NewFence(0, false)
	fence.Watch(lease)
	gate := &sendGate{fence: fence}
	gate.goOn()
	return gated{target, gate}, lease, target
}

// What comes while the node does not act is never sent, not even when it acts
// again: its endpoint decides on it anew.
func TestWhatComesWhileTheNodeDoesNotActIsNotSent(t *testing.T) {
	for name, after := range map[string]func(*sendGate, *owning){
		"it acts again": func(_ *sendGate, o *owning) { o.Store(true) },
		"it is halted":  func(g *sendGate, _ *owning) { g.fence.Halt() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, lease, target := newGated()
				answers := make(chan transport.Answer, 1)
				go func() { answers <- g.Send(t.Context(), &transport.Event{}, 1) }()
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(answers) > 0 {
					t.Fatal("it ended before anything was known")
				}
				after(g.gate, lease)
				if a := <-answers; a.Reason != endpoint.Halted.Reason || target.sent.Load() != 0 {
					t.Errorf("%s, sent %d times", a.Reason, target.sent.Load())
				}
			})
		})
	}
}

func TestWhatIsUnderWayIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, lease, target := newGated()
		lease.Store(true)
		answers := make(chan transport.Answer, 1)
		send := func() { answers <- g.Send(t.Context(), &transport.Event{}, 1) }
		go send()
		synctest.Wait()
		g.gate.cutAll()
		if a := <-answers; a.Reason != endpoint.Halted.Reason || target.sent.Load() != 1 {
			t.Errorf("%s, sent %d times", a.Reason, target.sent.Load())
		}
		g.gate.goOn()
		go send()
		synctest.Wait()
		if len(answers) > 0 || target.sent.Load() != 2 {
			t.Errorf("after it went on: sent %d times, %d ended", target.sent.Load(), len(answers))
		}
		g.gate.cutAll()
		<-answers
	})
}

// halts notes what a shard is told.
type halts []string

func (h *halts) Halt() { *h = append(*h, "halt") }
func (h *halts) GoOn() { *h = append(*h, "go on") }

func TestTheShardHaltsWithItsLease(t *testing.T) {
	var early, late halts
	h := &halting{}
	h.follow(&early)
	h.turn(true)
	h.turn(false)
	if want := (halts{"halt", "go on"}); !slices.Equal(early, want) {
		t.Errorf("a shard was told %v, not %v", early, want)
	}
	h = &halting{}
	h.turn(true) // before the shard is there
	h.follow(&late)
	h.turn(false)
	if want := (halts{"halt", "go on"}); !slices.Equal(late, want) {
		t.Errorf("a shard that came late was told %v, not %v", late, want)
	}
}
