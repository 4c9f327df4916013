package deferred

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// another parks an entry with a time of its own and waits until it is stored:
// that takes collectWait, so that what was parked before and is not stored is
// being gathered.
func another(t *testing.T, p *Parker) {
	t.Helper()
	w := jettest.NewCountdown(1)
	p.Park("acme", jettest.EndpointOf(77), jettest.Entry(1, time.Now().Add(time.Hour)), w)
	w.Wait(t)
}

// gatherFor changes how long fresh events are gathered at most.
func (p *Parker) gatherFor(most time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gather = most
}

func TestFreshEventsThatWaitLongAreGathered(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	p.gatherFor(time.Hour)
	later := time.Now().Add(3 * time.Hour)
	w := jettest.NewCountdown(3)
	p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(1, later), w)
	another(t, p)
	p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(2, later), w)
	if n := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; n != 1 {
		t.Fatalf("%d segments are stored, want only the one with a time of its own", n)
	}
	p.gatherFor(gatherMost)
	p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(3, later), w)
	w.Wait(t) // by itself
	if n := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; n != 2 {
		t.Errorf("%d segments, want the three fresh events in one", n)
	}
}

func TestGatheringEnds(t *testing.T) {
	later := time.Now().Add(3 * time.Hour)
	cases := []struct {
		name string
		end  func(p *Parker, w *jettest.Countdown)
	}{
		{"an attempt was made: it goes with the fresh ones", func(p *Parker, w *jettest.Countdown) {
			p.Park("acme", jettest.EndpointA, jettest.Entry(2, later), w)
		}},
		{"the window's share is used up", func(p *Parker, w *jettest.Countdown) {
			for i := range 16 {
				p.Park("acme", jettest.EndpointOf(i), jettest.ReadyEntry(3, later), nil)
			}
			w.Done()
		}},
		{"its endpoint wants it back", func(p *Parker, w *jettest.Countdown) { p.Recall(jettest.EndpointA, 1, transport.Place{}, w) }},
		{"the node stops", func(p *Parker, w *jettest.Countdown) {
			p.Hurry()
			p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(2, later), w)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newParker(t, openWindow(t, embeddedOptions(t), 64))
			p.gatherFor(time.Hour) // so that nothing else ends it
			w := jettest.NewCountdown(2)
			p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(1, later), w)
			c.end(p, w)
			w.Wait(t)
		})
	}
}

func TestPatience(t *testing.T) {
	p := &Parker{gather: gatherMost}
	now := time.Now()
	cases := []struct {
		name string
		it   transport.Parking
		want time.Duration
	}{
		{"fresh, soon", transport.Parking{Ready: true, Hop: 1, Wake: now.Add(time.Millisecond)}, collectWait},
		{"fresh, in two seconds", transport.Parking{Ready: true, Hop: 1, Wake: now.Add(2 * time.Second)}, time.Second},
		{"fresh, in an hour", transport.Parking{Ready: true, Hop: 1, Wake: now.Add(time.Hour)}, gatherMost},
		{"tried", transport.Parking{Hop: 1, Wake: now.Add(time.Hour)}, collectWait},
		{"a retry", transport.Parking{Hop: 1, Late: time.Second, Wake: now.Add(10 * time.Second)}, time.Second},
		{"a retry, much later", transport.Parking{Hop: 1, Late: 5 * time.Second, Wake: now.Add(time.Hour)}, gatherMost},
		{"a retry, soon", transport.Parking{Hop: 1, Late: time.Millisecond, Wake: now.Add(10 * time.Millisecond)}, collectWait},
		{"parked again", transport.Parking{Ready: true, Hop: 2, Wake: now.Add(time.Hour)}, collectWait},
		{"a replay", transport.Parking{Ready: true, Hop: 1, Place: transport.Place{Replay: 5}, Wake: now.Add(time.Hour)}, collectWait},
	}
	for _, c := range cases {
		if got := p.patience(now, &c.it); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	p.hurried = true
	if got := p.patience(now, &cases[2].it); got != collectWait {
		t.Errorf("in a hurry: %s", got)
	}
}
