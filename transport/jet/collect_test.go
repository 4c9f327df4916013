package jet

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// another parks an entry with a time of its own and waits until it is stored:
// that takes collectWait, so that what was parked before and is not stored is
// being gathered.
func another(t *testing.T, p *Parker) {
	t.Helper()
	w := newCountdown(1)
	p.Park("acme", endpointOf(77), testEntry(1, time.Now().Add(time.Hour)), w)
	w.wait(t)
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
	w := newCountdown(3)
	p.Park("acme", endpointA, readyEntry(1, later), w)
	another(t, p)
	p.Park("acme", endpointA, readyEntry(2, later), w)
	if n := streamState(t, s, StreamDeferred).Msgs; n != 1 {
		t.Fatalf("%d segments are stored, want only the one with a time of its own", n)
	}
	p.gatherFor(gatherMost)
	p.Park("acme", endpointA, readyEntry(3, later), w)
	w.wait(t) // by itself
	if n := streamState(t, s, StreamDeferred).Msgs; n != 2 {
		t.Errorf("%d segments, want the three fresh events in one", n)
	}
}

func TestGatheringEnds(t *testing.T) {
	later := time.Now().Add(3 * time.Hour)
	cases := []struct {
		name string
		end  func(p *Parker, w *countdown)
	}{
		{"an attempt was made: it goes with the fresh ones", func(p *Parker, w *countdown) {
			p.Park("acme", endpointA, testEntry(2, later), w)
		}},
		{"the window's share is used up", func(p *Parker, w *countdown) {
			for i := range 16 {
				p.Park("acme", endpointOf(i), readyEntry(3, later), nil)
			}
			w.Done()
		}},
		{"its endpoint wants it back", func(p *Parker, w *countdown) { p.Recall(endpointA, 1, transport.Place{}, w) }},
		{"the node stops", func(p *Parker, w *countdown) {
			p.Hurry()
			p.Park("acme", endpointA, readyEntry(2, later), w)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := embeddedOptions(t)
			o.Window = 64
			p := newParker(t, openEmbedded(t, o))
			p.gatherFor(time.Hour) // so that nothing else ends it
			w := newCountdown(2)
			p.Park("acme", endpointA, readyEntry(1, later), w)
			c.end(p, w)
			w.wait(t)
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
