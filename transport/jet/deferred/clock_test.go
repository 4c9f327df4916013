package deferred

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// wristwatch is a node's clock that can be set.
type wristwatch struct{ off atomic.Int64 }

func (w *wristwatch) now() time.Time          { return time.Now().Add(time.Duration(w.off.Load())) }
func (w *wristwatch) set(ahead time.Duration) { w.off.Store(int64(ahead)) }

func openWith(t testing.TB, o jet.Options, w *wristwatch, watchEvery time.Duration) *Store {
	t.Helper()
	o.Now = w.now
	s := openEmbedded(t, o)
	s.watchClock = watchEvery
	return s
}

func TestTheServersClockIsLearned(t *testing.T) {
	at := func(ms int) time.Time { return jettest.Time.Add(time.Duration(ms) * time.Millisecond) }
	c := &serverClock{}
	for _, step := range []struct {
		asked, server, answered time.Time
		want                    time.Duration
	}{
		{at(0), at(2), at(5), 0}, // it may be the same as ours
		{at(0), at(1000), at(10), 990 * time.Millisecond},
		{at(0), at(1003), at(2000), 990 * time.Millisecond}, // a slow answer tells nothing new
		{at(0), at(-5000), at(10), -5 * time.Second},
		{at(0), at(0), at(0), 0},
	} {
		if got := c.learn(step.asked, step.server, step.answered); got != step.want || c.ahead() != step.want {
			t.Errorf("%v: %s", step, got)
		}
	}
}

func TestScheduleText(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 5, time.FixedZone("", 3600))
	for want, got := range map[string]string{
		"@at 2026-11-21T12:00:00.000000005Z": scheduleText(at, time.Hour),
		"@at 2026-11-21T11:00:00.000000005Z": scheduleText(at, 0),
		"@at 1970-01-01T00:00:01Z":           scheduleText(time.Time{}, time.Hour), // a schedule all the same
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if _, err := scheduledFor(nats.Header{}); err == nil {
		t.Error("a message without a schedule has a time")
	}
}

func TestWithoutAnyTimeItComesBackAtOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(1)
	startConsuming(t, s, sink)
	parkAll(t, s, jettest.EndpointA, jettest.Entry(1, time.Time{}))
	jettest.Receive(t, sink.DueC, "the segment")
}

func TestAClockThatIsOffByAnHourParksForTheRightTime(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			w := &wristwatch{}
			w.set(ahead)
			s := openWith(t, embeddedOptions(t), w, watchEvery)
			sink := jettest.NewSink(10)
			startConsuming(t, s, sink)
			wake := w.now().Add(700 * time.Millisecond)
			parkAll(t, s, jettest.EndpointA, jettest.Entry(1, wake))
			got := jettest.Receive(t, sink.DueC, "the segment")
			if late := got.At.Add(ahead).Sub(wake); late < 0 {
				t.Errorf("came %s before it was due", -late)
			}
			if n := s.clock.early.Load(); n != 0 {
				t.Errorf("%d came early", n)
			}
		})
	}
}

// What was parked by one clock comes back by another, which the node began
// with, or which it jumped to.
func TestWhatIsParkedFollowsTheClock(t *testing.T) {
	const n = 200
	park := func(t *testing.T, p *Parker, wake time.Time) {
		var entries []transport.Entry
		for i := range n {
			entries = append(entries, jettest.Entry(uint64(i+1), wake.Add(time.Duration(i%20)*60*time.Millisecond)))
		}
		parkWith(t, p, jettest.EndpointA, entries...)
	}
	comesOnTime := func(t *testing.T, s *Store, w *wristwatch, sink *jettest.Sink) {
		for left := n; left > 0; {
			got := jettest.Receive(t, sink.DueC, "a segment")
			for _, e := range got.Seg.Entries {
				left--
				if late := w.now().Sub(e.Due); late < -earlyBy {
					t.Errorf("%d came %s before it was due", e.Event.Seq, -late)
				}
			}
			got.H.Ack()
		}
		jettest.Eventually(t, func() bool {
			return writtenFor(t, s) == w.ahead() && jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 0
		})
	}
	t.Run("at the start", func(t *testing.T) {
		t.Parallel()
		o, w := embeddedOptions(t), &wristwatch{}
		first := openEmbedded(t, o)
		p := first.Parker(newCutter())
		park(t, p, time.Now().Add(time.Hour))
		jettest.ShutWith(t, p.Close)
		closeStore(t, first)
		w.set(time.Hour - time.Second)
		s := openWith(t, o, w, watchEvery)
		sink := jettest.NewSink(n)
		startConsuming(t, s, sink)
		newParker(t, s)
		comesOnTime(t, s, w, sink)
	})
	t.Run("in the run", func(t *testing.T) {
		t.Parallel()
		w := &wristwatch{}
		s := openWith(t, embeddedOptions(t), w, 100*time.Millisecond)
		sink := jettest.NewSink(n)
		startConsuming(t, s, sink)
		p := newParker(t, s)
		park(t, p, w.now().Add(time.Hour))
		w.set(time.Hour - time.Second) // ours ahead is the server's set back
		comesOnTime(t, s, w, sink)
	})
	t.Run("goes on where a node ended on the way", func(t *testing.T) {
		t.Parallel()
		w := &wristwatch{}
		s := openWith(t, embeddedOptions(t), w, 100*time.Millisecond)
		sink := jettest.NewSink(n)
		startConsuming(t, s, sink)
		p := s.Parker(newCutter())
		park(t, p, w.now().Add(time.Hour))
		jettest.ShutWith(t, p.Close)
		// The mark of a node that had begun, for a skew that is ours again by chance.
		if err := s.markSkew(jettest.Context(t), skewInTheAir); err != nil {
			t.Fatal(err)
		}
		w.set(time.Hour - time.Second)
		if _, _, err := s.askClock(jettest.Context(t)); err != nil {
			t.Fatal(err)
		}
		newParker(t, s)
		comesOnTime(t, s, w, sink)
	})
}

// ahead is the server's clock less this one, to the second.
func (w *wristwatch) ahead() time.Duration {
	return -time.Duration(w.off.Load()).Round(time.Second)
}

// writtenFor is the skew that DEFERRED was written for last, to the second.
func writtenFor(t testing.TB, s *Store) time.Duration {
	t.Helper()
	_, written, err := s.askClock(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	d, err := time.ParseDuration(written)
	if err != nil {
		return -1
	}
	return d.Round(time.Second)
}

// A clock set back an hour while nobody looks: what fires by the old time comes
// back early, is parked again, as actors do, and stays away then.
func TestWhatComesBackEarlyIsNoHotLoop(t *testing.T) {
	t.Parallel()
	w := &wristwatch{}
	s := openWith(t, embeddedOptions(t), w, time.Hour)
	sink := jettest.NewSink(1000)
	startConsuming(t, s, sink)
	p := newParker(t, s)
	const n = 50
	wake := w.now().Add(time.Second)
	for i := range n {
		p.Park("acme", jettest.EndpointOf(i), jettest.Entry(uint64(i+1), wake), nil)
	}
	if err := p.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	w.set(-time.Hour)
	came := 0
	quiet := time.NewTimer(3 * time.Second)
	for waiting := true; waiting; {
		select {
		case got := <-sink.DueC:
			came++
			e := got.Seg.Entries[0]
			if !e.Due.After(w.now()) {
				t.Fatalf("%d is due by a clock that says %s", e.Event.Seq, w.now())
			}
			e.Hop++
			p.Park("acme", got.Seg.Endpoint, e, jet.AckWhenDone(got.H))
			quiet.Reset(2 * time.Second)
		case <-quiet.C:
			waiting = false
		}
	}
	if came < 1 || came > 2*n || s.clock.early.Load() != uint64(came) {
		t.Errorf("%d times one of %d came early (%d counted)", came, n, s.clock.early.Load())
	}
	if got := s.clock.ahead().Round(time.Second); got != time.Hour {
		t.Errorf("the server is taken to be %s ahead", got)
	}
	if msgs := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; msgs != n {
		t.Errorf("%d are parked", msgs)
	}
	w.set(0) // and right again
	groupcommit.Nudge(s.clock.doubt)
	for range n {
		got := jettest.Receive(t, sink.DueC, "what is due")
		if e := got.Seg.Entries[0]; e.Due.After(w.now()) {
			t.Error(fmt.Sprint(e.Event.Seq, " came early"))
		}
		got.H.Ack()
	}
}
