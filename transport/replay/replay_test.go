package replay

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

func TestAReplayIsPacedAndInOrder(t *testing.T) {
	inWorld(t, 50, func(w *world) {
		w.log = append(w.log, // another outcome of a pair, one of an event as a whole, and what is on its way
			transport.LoggedDelivery{Pair: transport.Pair{Seq: 3, Endpoint: "a", Replay: 9}, Customer: "acme", State: transport.StateDeadLettered},
			transport.LoggedDelivery{Pair: transport.Pair{Seq: 4}, Customer: "acme", State: transport.StateSkipped},
			transport.LoggedDelivery{Pair: transport.Pair{Seq: 51, Endpoint: "a"}, Customer: "acme", State: transport.StateRetrying})
		n, err := w.node.Count(context.Background(), transport.ReplayWish{Source: transport.ReplayDeliveries})
		if n != 100 || err != nil {
			t.Fatalf("%d chosen, %v", n, err)
		}
		began := time.Now()
		job := w.begin(transport.ReplayWish{Rate: 20})
		pass(0)
		w.is(job.ID, "running", 100, 5, 5, 0, 0)
		pass(2500 * time.Millisecond)
		w.is(job.ID, "running", 100, 55, 55, 0, 0)
		pass(3 * time.Second)
		j := w.is(job.ID, "done", 100, 100, 100, 0, 0)
		w.wantOnce(100, job.Number)
		for i, u := range w.parked {
			if late := u.at.Sub(began); late != time.Duration(i/5)*250*time.Millisecond {
				t.Errorf("number %d after %s", i, late)
			}
		}
		if j.FinishedAt.IsZero() || len(w.records) != 1 {
			t.Errorf("finished %s, kept %d records", j.FinishedAt, len(w.records))
		}
	})
}

func TestWhatCannotBeReplayedIsCounted(t *testing.T) {
	inWorld(t, 10, func(w *world) {
		delete(w.events, 1)
		delete(w.events, 2)
		w.eps["b"].Enabled = false
		job := w.begin(transport.ReplayWish{Rate: 10_000})
		pass(time.Second)
		w.is(job.ID, "done", 20, 20, 8, 2, 10)
		w.eps["a"].State = transport.StateDisabled
		job = w.begin(transport.ReplayWish{Endpoint: "a", Rate: 10_000})
		pass(time.Second)
		w.is(job.ID, "done", 10, 10, 0, 0, 10)
		w.eps["a"] = &transport.Endpoint{ID: "a", Customer: "other", Enabled: true} // never another customer's
		job = w.begin(transport.ReplayWish{Endpoint: "a", Rate: 10_000})
		pass(time.Second)
		w.is(job.ID, "done", 10, 10, 0, 10, 0)
	})
}

func TestACancelledReplayStopsWhereItStands(t *testing.T) {
	inWorld(t, 50, func(w *world) {
		job := w.begin(transport.ReplayWish{Rate: 20})
		pass(1100 * time.Millisecond)
		if _, err := w.node.Cancel(context.Background(), job.ID); err != nil {
			t.Fatal(err)
		}
		w.is(job.ID, "cancelled", 100, 25, 25, 0, 0)
		pass(time.Minute)
		w.wantOnce(25, job.Number)
		if again, err := w.node.Cancel(context.Background(), job.ID); err != nil || again.State != "cancelled" {
			t.Errorf("cancelled again: %+v, %v", again, err)
		}
		w.node.Close()
		w.open()
		w.is(job.ID, "cancelled", 100, 25, 25, 0, 0)
		if _, err := w.node.Cancel(context.Background(), "r-0"); !errors.Is(err, transport.ErrNotFound) {
			t.Error(err)
		}
	})
}

// A step whose end a crash took away is found in DEFERRED, or in the log where
// it was delivered meanwhile, and is not parked again.
func TestAReplayGoesOnAfterACrashWithoutRepeats(t *testing.T) {
	inWorld(t, 50, func(w *world) {
		job := w.begin(transport.ReplayWish{Rate: 40})
		pass(600 * time.Millisecond)
		w.mu.Lock()
		w.lost = true
		w.mu.Unlock()
		pass(200 * time.Millisecond)
		w.node.Close() // in the middle of the step: parked, and not known to be
		w.mu.Lock()
		w.lost = false
		if len(w.parked) != 40 {
			t.Fatalf("%d parked before the crash", len(w.parked))
		}
		gone := w.parked[35:] // not parked after all
		w.parked = w.parked[:35]
		for _, u := range w.parked[30:33] { // and some were delivered meanwhile
			w.log = append(w.log, transport.LoggedDelivery{Pair: u.Pair, Customer: "acme", State: transport.StateDelivered})
		}
		settled := slices.Clone(w.parked[30:33])
		w.parked = slices.Delete(w.parked, 30, 33)
		w.mu.Unlock()
		w.open()
		pass(time.Minute)
		w.is(job.ID, "done", 100, 100, 100, 0, 0)
		w.mu.Lock()
		w.parked = append(slices.Clone(w.parked[:30]), append(settled, w.parked[30:]...)...)
		w.mu.Unlock()
		w.wantOnce(100, job.Number)
		if len(gone) != 5 {
			t.Errorf("%d of the broken step were not parked", len(gone))
		}
	})
}

func TestAReplayWaitsWhileNATSIsAway(t *testing.T) {
	inWorld(t, 20, func(w *world) {
		job := w.begin(transport.ReplayWish{Rate: 20})
		pass(300 * time.Millisecond)
		w.mu.Lock()
		w.away = true
		w.mu.Unlock()
		pass(time.Minute)
		if j := w.is(job.ID, "running", 40, 10, 10, 0, 0); j.Detail == "" {
			t.Error("it does not say what it waits for")
		}
		w.mu.Lock()
		w.away = false
		w.mu.Unlock()
		pass(time.Minute)
		w.is(job.ID, "done", 40, 40, 40, 0, 0)
		w.wantOnce(40, job.Number)
	})
}

func TestDeadLettersAreReplayedFromWhatTheyHold(t *testing.T) {
	inWorld(t, 3, func(w *world) {
		for i, seq := range []uint64{2, 1, 1} { // the last is of a replay that was given up too
			w.letters = append(w.letters, transport.DeadLetter{ID: uint64(i + 1), Customer: "acme", Endpoint: "a", Reason: "gone", At: time.Now(),
				Event: w.events[seq]})
		}
		w.letters = append(w.letters, transport.DeadLetter{ID: 4, Reason: "gone", At: time.Now()},
			transport.DeadLetter{ID: 5, Customer: "acme", Endpoint: "a", Reason: "retries_exhausted", At: time.Now(), Event: w.events[3]})
		clear(w.events) // the log no longer has them
		job := w.begin(transport.ReplayWish{Source: transport.ReplayLetters, Reason: "gone"})
		pass(time.Second)
		w.is(job.ID, "done", 2, 2, 2, 0, 0)
		w.wantOnce(2, job.Number)
	})
}

func TestWrongWishes(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		for field, wish := range map[string]transport.ReplayWish{
			"status": {Source: transport.ReplayDeliveries, Status: "waiting"}, "source": {Source: transport.ReplayPast}, "rate": {Source: transport.ReplayDeliveries, Rate: -1},
		} {
			var fe *transport.FieldError
			if _, err := w.node.Start(context.Background(), wish); !errors.As(err, &fe) || fe.Field != field {
				t.Errorf("%+v: %v", wish, err)
			}
		}
		for range mostJobs {
			w.begin(transport.ReplayWish{Rate: 0.01})
		}
		if _, err := w.node.Start(context.Background(), transport.ReplayWish{Source: transport.ReplayDeliveries}); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("one more than %d: %v", mostJobs, err)
		}
	})
}

func TestOldReplaysAreForgotten(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		job := w.begin(transport.ReplayWish{})
		pass(keepJobs + time.Hour)
		w.begin(transport.ReplayWish{})
		pass(time.Second)
		if _, err := w.node.Job(job.ID); !errors.Is(err, transport.ErrNotFound) || len(w.records) != 1 || len(w.node.Jobs("")) != 1 {
			t.Errorf("%v, %d records", err, len(w.records))
		}
	})
}

func TestAPlanComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.Custom(func(t *rapid.T) item {
			return item{seq: rapid.Uint64().Draw(t, "seq"), letter: rapid.Uint64().Draw(t, "letter"),
				endpoint: rapid.StringMatching(`[a-c]{0,3}`).Draw(t, "endpoint")}
		})).Draw(t, "items")
		got, err := decodePlan(encodePlan(items))
		if err != nil || !slices.Equal(got, items) {
			t.Fatalf("%+v is %+v, %v", items, got, err)
		}
	})
}

func FuzzPlan(f *testing.F) {
	f.Add(encodePlan([]item{{1, 0, "a"}, {2, 5, "b"}}))
	f.Add([]byte{planVersion, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := decodePlan(b)
		if err == nil {
			if again, err := decodePlan(encodePlan(items)); err != nil || !slices.Equal(again, items) {
				t.Errorf("%+v is %+v, %v", items, again, err)
			}
		}
	})
}
