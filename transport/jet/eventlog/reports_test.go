package eventlog

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func aRun(customer, alertType string, to uint64) *transport.Run {
	run := &transport.Run{Customer: customer, Type: alertType, State: transport.RunOpen, From: 1, Since: 1, To: to, Through: to, StartedAt: jettest.Time}
	run.ID = transport.RunID(run)
	return run
}

// A run's event is stored once, however often that is tried, by whomever, and
// whatever else is published on its subject.
func TestReportsAreStoredOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	for i := range 3 {
		jettest.Publish(t, s.js, "events.acme.alert.matches_found", fmt.Sprintf(`{"n":%d}`, i), jet.HeaderID, "another")
	}
	run := aRun("acme", "hot", 10)
	run.After, run.Matches, run.Alerts, run.Detections = 3, 7, 2, 9
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			mine := *run
			if err := s.SubmitReport(ctx, &mine, []byte(`{"run_id":"1"}`)); err != nil || mine.Event == 0 {
				t.Errorf("event %d, %v", mine.Event, err)
			}
			jettest.Publish(t, s.js, "events.acme.alert.matches_found", `{}`)
		})
	}
	all.Wait()
	stored := 0
	err := s.conn.Sweep(ctx, jet.Sweep{Stream: shard.Events(), Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(jet.HeaderID) == run.ID {
			stored++
			run.Event = m.Sequence
		}
		return nil
	})
	if err != nil || stored != 1 {
		t.Errorf("stored %d times, %v", stored, err)
	}
	again := aRun("acme", "hot", 10)
	again.After = 3
	if found, err := s.FindReport(ctx, again); err != nil || !found || again.Event != run.Event || again.Matches != 7 || again.Alerts != 2 || again.Detections != 9 {
		t.Errorf("found %v: %+v, %v", found, again, err)
	}
	other := aRun("acme", "hot", 11)
	if found, err := s.FindReport(ctx, other); err != nil || found {
		t.Errorf("another run's event: %v, %v", found, err)
	}
	if found, err := s.FindReport(ctx, aRun("globex", "hot", 10)); err != nil || found {
		t.Errorf("another customer's: %v, %v", found, err)
	}
}

// A report over the message limit goes by the object store, whole.
func TestLargeReports(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(1)
	startConsuming(t, s, sink)
	run := aRun("acme", "hot", 10)
	data := []byte(`{"run_id":"1","matches":["` + strings.Repeat("x", 9<<20) + `"]}`)
	if err := s.SubmitReport(jettest.Context(t), run, data); err != nil {
		t.Fatal(err)
	}
	got := sink.Next(t)
	if got.Ev.ID != run.ID || got.Ev.Seq != run.Event || got.Ev.Type != "alert.matches_found" || got.Ev.Customer != "acme" || !bytes.Equal(got.Ev.Data, data) {
		t.Errorf("%s of %s, %d bytes", got.Ev.ID, got.Ev.Customer, len(got.Ev.Data))
	}
	got.H.Ack()
}
