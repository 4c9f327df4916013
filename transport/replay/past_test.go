package replay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

// late makes an endpoint that comes after the world's events and wants those
// since ago.
func (w *world) late(since time.Duration) (id string, ep *transport.Endpoint) {
	w.t.Helper()
	ep = &transport.Endpoint{ID: "late", Customer: "acme", Enabled: true, Events: []string{"a.*"}, From: time.Now().Add(-since), Revision: 5}
	id, err := w.node.Past(context.Background(), ep, ep.From)
	if err != nil {
		w.t.Fatal(err)
	}
	return id, ep
}

func (w *world) store(ep *transport.Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.eps[ep.ID] = ep
}

// more stores an event as one that the shard routed to some endpoints.
func (w *world) more(typ string, to ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seq := uint64(len(w.events)) + 1
	w.events[seq] = &transport.Event{Seq: seq, Customer: "acme", Type: typ, Stored: time.Now(), Data: []byte(`{"n":2}`)}
	for _, id := range to {
		w.log = append(w.log, transport.LoggedDelivery{Pair: transport.Pair{Seq: seq, Endpoint: id}, Customer: "acme", State: transport.StateDelivered})
	}
	w.routed = seq
}

// What was stored while the endpoint came into effect is delivered once, by the
// one way or the other.
func TestALateEndpointGetsThePastWithoutGapOrDouble(t *testing.T) {
	// An event that comes live while the replay begins may be before the log's
	// end as the replay reads it, or after it.
	for name, c := range map[string]struct {
		live  func(w *world, begin func())
		total uint64
	}{
		"before the end is read": {func(w *world, begin func()) { w.more("a.c", "a", "late"); begin() }, 14},
		"after it":               {func(w *world, begin func()) { begin(); synctest.Wait(); w.more("a.c", "a", "late") }, 13},
	} {
		t.Run(name, func(t *testing.T) { pastWithoutGapOrDouble(t, c.live, c.total) })
	}
}

func pastWithoutGapOrDouble(t *testing.T, live func(w *world, begin func()), total uint64) {
	inWorld(t, 20, func(w *world) {
		id, ep := w.late(10 * time.Second) // events 11 to 20
		w.more("a.c", "a", "b")            // 21: before it was in effect
		w.store(ep)
		w.more("a.c", "a", "b", "late") // 22: routed live
		w.more("z", "a")                // 23: of a type it does not want
		w.log = append(w.log, transport.LoggedDelivery{Pair: transport.Pair{Seq: 12}, Customer: "acme", State: transport.StateSkipped, Reason: "duplicate"})
		pass(time.Minute)
		w.is(id, "running", 0, 0, 0, 0, 0)
		live(w, func() { w.node.Begin(id, 5) }) // 24
		pass(time.Minute)
		job := w.is(id, "done", total, total, 10, 0, total-10)
		w.wantOnce(10, job.Number)
		for _, u := range w.parked {
			if u.Seq < 11 || u.Seq == 12 || u.Seq > 21 || u.Endpoint != "late" {
				t.Errorf("replayed %+v", u.Pair)
			}
		}
	})
}

func TestALateEndpointsFilterHoldsForThePast(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		w.events[2].Data, w.events[3].Data = []byte(`{"n":7}`), []byte(`{}`)
		id, ep := w.late(time.Hour)
		ep.Filter = "event.data.n == 7"
		w.store(ep)
		w.node.Begin(id, 5)
		pass(time.Minute)
		job := w.is(id, "done", 4, 4, 1, 0, 3)
		w.wantOnce(1, job.Number)
	})
}

func TestALateEndpointThatWasNeverStored(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		id, _ := w.late(time.Hour)
		w.node.Close()
		w.open()
		pass(time.Minute)
		w.is(id, "cancelled", 0, 0, 0, 0, 0)
	})
}

func TestALateEndpointThatWasStoredBeforeACrash(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		id, ep := w.late(time.Hour)
		w.store(ep)
		w.more("a.c", "late")
		w.node.Close()
		w.open()
		pass(time.Minute)
		job := w.is(id, "done", 5, 5, 4, 0, 1)
		w.wantOnce(4, job.Number)
	})
}

// The answer to an endpoint's creation was lost: nobody says Begin.
func TestALateEndpointWhoseCreationWasNotAnswered(t *testing.T) {
	for _, stored := range []bool{true, false} {
		inWorld(t, 4, func(w *world) {
			id, ep := w.late(time.Hour)
			if stored {
				w.store(ep)
			}
			pass(notBegun / 2)
			w.is(id, "running", 0, 0, 0, 0, 0) // a creation may not have ended yet
			pass(notBegun)
			if stored {
				job := w.is(id, "done", 4, 4, 4, 0, 0)
				w.wantOnce(4, job.Number)
			} else {
				w.is(id, "cancelled", 0, 0, 0, 0, 0)
			}
		})
	}
}

func TestTheRestOfThePastGoesWithItsEndpoint(t *testing.T) {
	inWorld(t, 100, func(w *world) {
		id, ep := w.late(time.Hour)
		w.store(ep)
		w.node.Begin(id, 5)
		pass(logLag + 100*time.Millisecond) // the usual rate is 100 a second
		w.mu.Lock()
		delete(w.eps, "late")
		w.mu.Unlock()
		pass(time.Minute)
		w.is(id, "done", 100, 100, 25, 0, 75)
	})
}
