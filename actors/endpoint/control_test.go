package endpoint

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

var (
	unreached = transport.Answer{Class: transport.Failed, Reason: transport.ReasonConnect, Unreached: true}
	throttled = transport.Answer{Class: transport.Throttled, Status: 429, RetryAfter: time.Second}
)

func oneASecond() *transport.Endpoint {
	ep := plain()
	ep.Delivery.Rate, ep.Delivery.Burst = 1, 1
	return ep
}

func (h *fixture) wantSent(want ...uint64) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var got []uint64
	for _, r := range h.targets {
		got = append(got, r.sent...)
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("sent %v, want %v", got, want)
	}
}

func (h *fixture) passes(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWhatCannotGoNowGoesLater(t *testing.T) {
	withActor(t, oneASecond(), func(h *fixture) {
		h.lease(1)
		h.lease(2)
		h.wantSent(1)
		h.passes(time.Second)
		h.wantSent(1, 2)
	})
}

// New settings leave the alarm as it is.
func TestAChangeForgetsNoAlarm(t *testing.T) {
	withActor(t, oneASecond(), func(h *fixture) {
		h.lease(1)
		h.lease(2)
		h.change(oneASecond())
		h.passes(time.Second)
		h.wantSent(1, 2)
	})
}

func TestNoAlarmAfterQuit(t *testing.T) {
	withActor(t, oneASecond(), func(h *fixture) {
		h.lease(1)
		h.lease(2)
		h.send(Quit{})
		h.wantEnd(2, Released)
		if h.actor.timer.Stop() {
			t.Error("the alarm is set after Quit")
		}
		h.passes(time.Hour)
		h.wantSent(1)
	})
}

// An attempt that ends after Quit sets no alarm either.
func TestNoAlarmOfWhatEndsAfterQuit(t *testing.T) {
	withActor(t, oneASecond(), func(h *fixture) {
		gate := h.hangs()
		h.lease(1)
		h.lease(2)
		h.send(Quit{})
		gate <- throttled
		synctest.Wait()
		if h.actor.timer != nil && h.actor.timer.Stop() {
			t.Error("the alarm is set after Quit")
		}
	})
}

func TestNothingIsSentBeforeWhatIsToBeRememberedIsStored(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.forgetful = true
		h.answers(throttled)
		h.lease(1)
		h.answers(ok)
		h.lease(2)
		h.passes(time.Minute)
		h.wantSent(1)
		if want := []string{"tried 1", "park 1", "remember"}; !slices.Equal(slices.Sorted(slices.Values(h.written)), slices.Sorted(slices.Values(want))) {
			t.Fatalf("wrote %v", h.written)
		}
		if m := h.memories[0]; m.Endpoint != "ep" || m.Customer != "acme" || m.HeldUntil.IsZero() {
			t.Errorf("remembered %+v", m)
		}
		h.durable(slices.Index(h.waiting, "remember"))
		h.wantSent(1, 2)
	})
}

// The next actor of an endpoint goes on where the last one was.
func TestTheNextActorKnowsWhatTheLastOneDid(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.answers(failure)
		for seq := range uint64(3) {
			h.lease(seq + 1)
		}
		h.next(plain())
		h.lease(4)
		if len(h.news) != 0 {
			t.Fatalf("told %+v after four failures", h.news)
		}
		h.next(plain())
		h.lease(5)
		if len(h.news) != 1 || h.news[0].What != transport.NewsFailing || h.news[0].Endpoint != "ep" || h.news[0].Customer != "acme" || h.news[0].At.IsZero() {
			t.Fatalf("told %+v after five failures by three actors", h.news)
		}
		h.next(plain())
		h.answers(ok)
		h.lease(6)
		h.wantSent(1, 2, 3, 4, 5)
		if p := h.actor.inDeferred(); p.Entries != 6 || p.Ready != 1 || p.Bytes == 0 {
			t.Errorf("parked %+v", p)
		}
		h.passes(11 * time.Second)
		if !slices.Contains(h.written, "recall 1") {
			t.Errorf("wrote %v", h.written)
		}
		h.back(&h.entries[5])
		h.send(&Lease{Pair: transport.Pair{Seq: 6, Endpoint: "ep"}, Event: h.entries[5].Event, Hop: 1, Owner: h})
		h.wantSent(1, 2, 3, 4, 5, 6)
		if last := h.news[len(h.news)-1]; last.What != transport.NewsRecovered {
			t.Errorf("told %+v", last)
		}
	})
}

type ourUplink struct{ seen []string }

func (o *ourUplink) Answered(_ time.Time, endpoint string, a *transport.Answer) bool {
	o.seen = append(o.seen, endpoint+" "+a.Reason)
	return a.Unreached
}

func TestWhatIsOursCountsForNobody(t *testing.T) {
	ep := plain()
	ep.Delivery.Concurrency = 2
	withActor(t, ep, func(h *fixture) {
		uplink := &ourUplink{}
		h.actor.deps.Uplink = uplink
		h.answers(unreached)
		for seq := range uint64(10) {
			h.lease(seq + 1)
		}
		if len(h.news) != 0 || len(uplink.seen) != 10 || uplink.seen[0] != "ep connect" {
			t.Errorf("told %+v, saw %v", h.news, uplink.seen)
		}
		h.answers(ok)
		h.send(UplinkChange(UplinkLost))
		h.lease(11)
		h.lease(12)
		h.send(UplinkChange(Canary))
		h.wantSent(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		h.send(UplinkChange(UplinkBack))
		h.wantSent(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	})
}

func TestAskTellsHowItStands(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.answers(throttled)
		h.lease(1)
		ask := make(Ask, 1)
		h.send(ask)
		s := <-ask
		if s.State != transport.StateActive || s.Reason != "status 429" || s.HeldUntil.IsZero() || s.Waiting != 1 || s.Most != 1 {
			t.Errorf("stands %+v", s)
		}
		if of := StandingOf(h.retained.Memory(), h.actor.inDeferred(), time.Now()); of.HeldUntil != s.HeldUntil || of.Reason != s.Reason || of.Waiting != 1 {
			t.Errorf("without its actor %+v", of)
		}
	})
}

// What is held against an endpoint ends with another URL and when somebody
// resumes it, not when the registry learns that it is failing.
func TestWhichChangesForgive(t *testing.T) {
	with := func(f func(*transport.Endpoint)) *transport.Endpoint {
		ep := plain()
		f(ep)
		return ep
	}
	cases := []struct {
		name    string
		changes []*transport.Endpoint
		forgets bool
	}{
		{"a new name", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.Name = "n" })}, false},
		{"told failing", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.State = transport.StateFailing })}, false},
		{"a new URL", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.URL = "https://b.example" })}, true},
		{"a new address", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.Address = "b@example.com" })}, true},
		{"paused", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.State = transport.StatePaused })}, false},
		{"paused and resumed", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.State = transport.StatePaused }), plain()}, true},
		{"off and on", []*transport.Endpoint{with(func(ep *transport.Endpoint) { ep.Enabled = false }), plain()}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			withActor(t, plain(), func(h *fixture) {
				h.answers(failure)
				for seq := range uint64(5) {
					h.lease(seq + 1)
				}
				for _, ep := range c.changes {
					h.change(ep)
				}
				if m := h.retained.Memory(); m.IsZero() != c.forgets {
					t.Errorf("remembers %+v", m)
				}
			})
		})
	}
}

func TestShedParksWhatWaitsBeyond(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		gate := h.hangs()
		for seq := range uint64(10) {
			h.lease(seq + 1)
		}
		h.send(ShedTo(4))
		if len(h.entries) != 5 || h.entries[0].Event.Seq != 6 || !h.entries[0].Due.IsZero() || !h.entries[0].At.After(time.Now()) {
			t.Errorf("parked %+v", h.entries)
		}
		if took := h.retained.Took(time.Now().Add(3 * time.Second)); took != 3*time.Second {
			t.Errorf("took %s", took)
		}
		close(gate)
	})
}
