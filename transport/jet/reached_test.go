package jet

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func FuzzReached(f *testing.F) {
	f.Add("150 1795347858943513883 77")
	f.Add("0 0 0")
	f.Add("1 -1 2")
	f.Add("1 2 3 4")
	f.Add("18446744073709551616 0 0")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readReached(text)
		if err != nil {
			return
		}
		if again, err := readReached(reachedText(r)); err != nil || again != r {
			t.Errorf("%q: %+v, then %+v, %v", text, r, again, err)
		}
	})
}

func TestReachedComesBackAsItWas(t *testing.T) {
	for _, r := range []transport.Reached{{}, {Event: 150, EventStored: time.Unix(1795347858, 943513883).UTC(), Deferred: 77}, {Deferred: 1 << 63}} {
		if got, err := readReached(reachedText(r)); err != nil || got != r {
			t.Errorf("%+v, %v; want %+v", got, err, r)
		}
	}
	for _, text := range []string{"", "1 2", "1 2 3 4", "1 2 x", "-1 0 0"} {
		if _, err := readReached(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// What is said to be parked is told of by the journal, whatever else it writes.
func TestTheJournalTellsHowFarDeferredHasCome(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Journal()
	t.Cleanup(func() { shutWith(t, j.Close) })
	p := newParker(t, s)
	for seq := uint64(1); seq <= 3; seq++ {
		w := newCountdown(1)
		p.Park("acme", endpointA, testEntry(seq, time.Now().Add(time.Hour)), w)
		w.wait(t)
		if r, err := s.readProgress(testContext(t)); err != nil || r.Deferred != streamState(t, s, StreamDeferred).LastSeq {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// doctor tells of a stream that lost its end before any node has started on it.
func TestExamineTellsWhatIsLost(t *testing.T) {
	b := startBare(t)
	s := b.open()
	lost := func() (texts []string) {
		for _, f := range Examine(testContext(t), Options{URL: b.srv.ClientURL(), DataDir: t.TempDir()}, Producer{}) {
			if f.Part == "lost" {
				texts = append(texts, f.Level+" "+f.Text)
			}
		}
		return texts
	}
	if got := lost(); len(got) != 0 {
		t.Errorf("of an empty journal: %q", got)
	}
	seq := publishOn(t, s, "events.acme.x", `{}`)
	s.reached.set(transport.Reached{Event: seq, EventStored: testTime})
	journalAll(t, s, fanOutOf(seq, "a", endpointA))
	if got := lost(); len(got) != 0 {
		t.Errorf("of all that is there: %q", got)
	}
	s.reached.set(transport.Reached{Event: 9, EventStored: testTime, Deferred: 3})
	journalAll(t, s, outcomeOf(transport.DeadLettered, seq, endpointA))
	want := []string{"warn EVENTS ends at 1, and the journal tells of 9: its end is lost", "warn DEFERRED ends at 0, and the journal tells of 3: its end is lost"}
	if got := lost(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
