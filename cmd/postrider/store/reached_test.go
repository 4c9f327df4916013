package store

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// What is said to be parked is told of by the journal, whatever else it writes.
func TestTheJournalTellsHowFarDeferredHasCome(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	j := s.Attempts.Journal()
	t.Cleanup(func() { jettest.ShutWith(t, j.Close) })
	p := newParker(t, s)
	for seq := uint64(1); seq <= 3; seq++ {
		w := jettest.NewCountdown(1)
		p.Park("acme", jettest.EndpointA, jettest.Entry(seq, time.Now().Add(time.Hour)), w)
		w.Wait(t)
		var state transport.ShardState
		if err := s.Attempts.State(jettest.Context(t), &state); err != nil || state.Reached.Deferred != jettest.StreamState(t, s.JetStream(), jet.StreamDeferred).LastSeq {
			t.Errorf("%+v, %v", state, err)
		}
	}
}

// doctor tells of a stream that lost its end before any node has started on it.
func TestExamineTellsWhatIsLost(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	lost := func() (texts []string) {
		for _, f := range Examine(jettest.Context(t), jet.Options{URL: b.Server.ClientURL(), DataDir: t.TempDir()}, admin.Producer{}) {
			if f.Part == "lost" {
				texts = append(texts, f.Level+" "+f.Text)
			}
		}
		return texts
	}
	if got := lost(); len(got) != 0 {
		t.Errorf("of an empty journal: %q", got)
	}
	seq := jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	s.Attempts.Reached(transport.Reached{Event: seq, EventStored: jettest.Time})
	journalAll(t, s, jettest.FanOutOf(seq, "a", jettest.EndpointA))
	if got := lost(); len(got) != 0 {
		t.Errorf("of all that is there: %q", got)
	}
	s.Attempts.Reached(transport.Reached{Event: 9, EventStored: jettest.Time, Deferred: 3})
	journalAll(t, s, jettest.OutcomeOf(transport.DeadLettered, seq, jettest.EndpointA))
	want := []string{"warn EVENTS ends at 1, and the journal tells of 9: its end is lost", "warn DEFERRED ends at 0, and the journal tells of 3: its end is lost"}
	if got := lost(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
