package endpoint

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

var (
	ok       = transport.Answer{Class: transport.Delivered, Status: 200}
	failure  = transport.Answer{Class: transport.Failed, Status: 500, Reason: "status", Detail: "answered 500", Body: []byte("oh no")}
	unfit    = transport.Answer{Class: transport.Skip, Reason: "unfit"}
	aborted  = transport.Answer{Class: transport.Aborted}
	noAnswer = transport.Answer{}
)

// The end of a lease is told once, when the write that closes it is durable.
func TestALeaseEndsWhenWhatClosesItIsDurable(t *testing.T) {
	cases := []struct {
		name    string
		answer  transport.Answer
		retries bool
		written []string
		writes  int // that are awaited, one after the other
		end     End
	}{
		{"delivered", ok, true, []string{"tried 1"}, 1, Final},
		{"parked", failure, true, []string{"tried 1", "park 1"}, 1, ParkedForTime},
		{"buried", failure, false, []string{"tried 1", "letter 1", "buried 1"}, 2, Final},
		{"skipped", unfit, true, []string{"skipped 1"}, 1, Final},
		{"no class", noAnswer, true, []string{"tried 1", "park 1"}, 1, ParkedForTime},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ep := plain()
			ep.Delivery.Retries = c.retries
			withActor(t, ep, func(h *fixture) {
				h.answers(c.answer)
				l := h.lease(1)
				before := *l
				for range c.writes {
					h.wantEnd(1, 0)
					if !h.actor.Closing().Has(l.Number) {
						t.Error("it does not end by itself")
					}
					h.durable(0)
				}
				h.wantEnd(1, c.end)
				if !slices.Equal(h.written, c.written) {
					t.Errorf("wrote %v, want %v", h.written, c.written)
				}
				if !reflect.DeepEqual(*l, before) {
					t.Errorf("the lease changed: %+v", l)
				}
			})
		})
	}
}

func TestWhatIsWrittenOfAnAttempt(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.answers(failure)
		began := time.Now()
		h.lease(1)
		due := began.Add(5 * time.Second)
		if r := h.records[0]; r.Number != 1 || !r.At.Equal(began) || !r.NextAt.Equal(due) || r.Answer.Status != 500 ||
			r.Endpoint != "ep" || r.Customer != "acme" || r.EventID != "e1" {
			t.Errorf("record %+v", r)
		}
		if e := h.entries[0]; e.Hop != 1 || !e.Due.Equal(due) || len(e.Tries) != 1 || e.Tries[0].Status != 500 || e.Tries[0].Class != transport.Failed {
			t.Errorf("parked %+v", e)
		}
		again := &Lease{Pair: transport.Pair{Seq: 1, Endpoint: "ep"}, Event: h.entries[0].Event, Tries: h.entries[0].Tries, Hop: 1, Due: due, Owner: h}
		time.Sleep(5 * time.Second)
		h.durable(0)
		h.ends = map[uint64][]End{}
		h.send(again)
		d := h.letters[0]
		if d.Reason != transport.ReasonExhausted || len(d.Tries) != 2 || string(d.LastAnswer) != "oh no" || d.Detail != "answered 500" || d.Endpoint != "ep" {
			t.Errorf("letter %+v", d)
		}
		if len(h.entries[0].Tries) != 1 {
			t.Error("what was parked changed afterwards")
		}
	})
}

func TestAttemptsUnderWayDoNotHoldTheActor(t *testing.T) {
	ep := plain()
	ep.Delivery.Concurrency = 3
	withActor(t, ep, func(h *fixture) {
		gate := h.hangs()
		for seq := range uint64(5) {
			h.lease(seq + 1)
		}
		if n := len(h.targets[0].sent); n != 3 {
			t.Fatalf("%d in flight, the endpoint takes 3", n)
		}
		h.change(ep) // is taken at once
		gate <- ok
		synctest.Wait()
		if n := len(h.targets[0].sent) + len(h.targets[1].sent); n != 4 {
			t.Fatalf("%d attempts after one ended", n)
		}
	})
}

func TestNewSettingsHoldFromTheNextAttemptOn(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		h.change(plain())
		if h.targets[0].closed != 1 {
			t.Error("the old target is open")
		}
		gate <- ok // under way with the old one: it counts
		synctest.Wait()
		if !slices.Equal(h.targets[0].sent, []uint64{1}) || !slices.Equal(h.targets[1].sent, []uint64{2}) {
			t.Errorf("sent %v with the old settings, %v with the new", h.targets[0].sent, h.targets[1].sent)
		}
		if h.written[0] != "tried 1" {
			t.Errorf("wrote %v", h.written)
		}
	})
}

func TestAClosedEndpointBuriesAll(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		taken := make(chan struct{})
		h.send(Close{Reason: transport.ReasonEndpointRemoved, InEffect: taken})
		<-taken
		gate <- failure
		synctest.Wait()
		h.lease(3)
		if want := []string{"letter 2", "tried 1", "letter 1", "letter 3"}; !slices.Equal(h.written, want) {
			t.Errorf("wrote %v, want %v", h.written, want)
		}
		for _, d := range h.letters {
			if d.Reason != transport.ReasonEndpointRemoved {
				t.Errorf("buried %d: %s", d.Event.Seq, d.Reason)
			}
		}
		h.change(plain()) // it is back
		h.answers(ok)
		h.lease(4)
		if last := h.written[len(h.written)-1]; last != "tried 4" {
			t.Errorf("wrote %s", last)
		}
	})
}

func TestDrainHandsBackWhatWaits(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		h.send(Drain{})
		h.wantEnd(2, Released)
		h.lease(3)
		h.wantEnd(3, Released)
		h.wantEnd(1, 0)
		gate <- failure
		synctest.Wait()
		h.durable(0)
		h.wantEnd(1, ParkedForTime)
		if n := len(h.targets[0].sent); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}

// After Quit no attempt starts, though one may still end.
func TestQuitSendsNothingMore(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		h.send(Quit{})
		h.wantEnd(2, Released)
		gate <- ok
		synctest.Wait()
		h.durable(0)
		h.wantEnd(1, Final)
		if !slices.Equal(h.written, []string{"tried 1"}) || len(h.broke) != 0 {
			t.Errorf("wrote %v, broke %v", h.written, h.broke)
		}
	})
}

func TestWhatWeBrokeOffIsNoAttempt(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.hangs()
		l := h.lease(1)
		h.stop()
		synctest.Wait()
		h.wantEnd(1, Released)
		if len(h.written) != 0 || len(l.Tries) != 0 {
			t.Errorf("wrote %v", h.written)
		}
		h.answers(aborted)
		h.lease(2)
		h.wantEnd(2, Released)
	})
}

// Faulty settings fail each attempt with a reason; mended ones go on.
func TestSettingsThatCannotBePrepared(t *testing.T) {
	for name, prepare := range map[string]func(*transport.Endpoint) error{
		"error": func(ep *transport.Endpoint) error {
			if ep.Name != "mended" {
				return errors.New("ca: not a PEM text; give certificates")
			}
			return nil
		},
		"panic": func(ep *transport.Endpoint) error {
			if ep.Name != "mended" {
				panic("whsec_hush")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			withActorPreparing(t, plain(), prepare, func(h *fixture) {
				h.lease(1)
				r := h.records[0]
				if r.Answer.Class != transport.Refused || r.Answer.Reason == "" || r.Answer.Detail == "" || len(h.entries) != 1 {
					t.Errorf("record %+v", r)
				}
				if strings.Contains(r.Answer.Detail, "hush") {
					t.Error("a panic's value, maybe a secret, in a record")
				}
				ep := plain()
				ep.Name = "mended"
				h.change(ep)
				h.lease(2)
				if last := h.records[len(h.records)-1]; last.Answer.Class != transport.Delivered {
					t.Errorf("record %+v", last)
				}
				if len(h.broke) != 0 {
					t.Errorf("the actor broke: %v", h.broke[0])
				}
			})
		})
	}
}

func TestASenderThatPanicsFailsTheAttempt(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.answer = func(context.Context, *transport.Event, int) transport.Answer { panic("whsec_hush") }
		h.lease(1)
		a := h.records[0].Answer
		if a.Class != transport.Failed || a.Reason != transport.ReasonPanic || strings.Contains(a.Detail, "hush") || len(h.broke) != 0 {
			t.Errorf("answer %+v, broke %v", a, h.broke)
		}
	})
}

func TestTheLeaseAnActorBrokeOverIsKnown(t *testing.T) {
	l := &Lease{}
	for _, msg := range []any{l, &sent{delivery: &Delivery{Lease: l}}} {
		if LeaseIn(msg) != l {
			t.Errorf("no lease in %T", msg)
		}
	}
	for _, msg := range []any{Change{}, Close{}, Drain{}, Quit{}, nil} {
		if LeaseIn(msg) != nil {
			t.Errorf("a lease in %T", msg)
		}
	}
}

// What closes a lease that its actor was given is known of the actor alone.
func TestAnActorKnowsWhatEndsByItself(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		h.lease(3)
		gate <- ok
		synctest.Wait()
		if !h.actor.Closing().Has(1) || h.actor.Closing().Has(2) || h.actor.Closing().Has(3) {
			t.Fatal("only the first is delivered")
		}
		gate <- unfit
		synctest.Wait()
		if !h.actor.Closing().Has(2) || h.actor.Closing().Has(3) {
			t.Fatal("only the first two have ended")
		}
		gate <- ok
		synctest.Wait()
	})
}

func TestNumbersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Numbers
		next := uint64(1)
		open := map[uint64]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"more": func(t *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					open[next] = true
					next++
				}
			},
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					if len(open) == 0 {
						return
					}
					least := slices.Min(slices.Collect(maps.Keys(open)))
					n := least + rapid.Uint64Range(0, next-1-least).Draw(t, "which")
					s.Add(n)
					delete(open, n)
				}
			},
			"": func(t *rapid.T) {
				for n := uint64(1); n < next+100; n++ {
					if s.Has(n) == (open[n] || n >= next) {
						t.Fatalf("%d: %t", n, s.Has(n))
					}
				}
				if len(open) == 0 && len(s.words) > 1 {
					t.Fatalf("%d words for a set that holds all", len(s.words))
				}
			},
		})
	})
}

func TestQueueIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q Queue[*Lease]
		var model []*Lease
		push := func(n int) {
			for range n {
				l := &Lease{}
				q.Push(l)
				model = append(model, l)
			}
		}
		pop := func(t *rapid.T, n int) {
			for range min(n, len(model)) {
				if q.Pop() != model[0] {
					t.Fatal("not the oldest")
				}
				model = model[1:]
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) { push(rapid.IntRange(1, 300).Draw(t, "n")) },
			"pop":  func(t *rapid.T) { pop(t, rapid.IntRange(1, 300).Draw(t, "n")) },
			"": func(t *rapid.T) {
				if q.Len() != len(model) {
					t.Fatalf("%d wait, want %d", q.Len(), len(model))
				}
				if len(model) == 0 && cap(q.items) > 64 {
					t.Fatalf("room for %d while empty", cap(q.items))
				}
			},
		})
	})
}
