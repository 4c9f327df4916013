//go:build unix

package run

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	benchDetections = 100_000
	benchAlerts     = 100_000
)

// BenchmarkSweep reads detections as JSON out of JetStream, on disk and in this
// process, decodes them and matches them against the alerts of one customer:
// what a run does but for its records. "read" does nothing with them, "decode"
// has no alerts.
func BenchmarkSweep(b *testing.B) {
	s, err := store.Open(b.Context(), store.Options{Options: jet.Options{DataDir: b.TempDir(), SyncInterval: 2 * time.Minute, MaxStore: 2 << 30, MasterKey: make([]byte, 32)}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	g := matching.NewGenerator(1)
	full := newAlerts()
	for i := range benchAlerts {
		kind := matching.Exact
		if i%100 == 0 {
			kind = []matching.Kind{matching.Lookalike, matching.Wildcard, matching.DeepSearch}[i/100%3]
		}
		a := g.Alert("acme", kind)
		a.AlertType = matching.AlertHot
		if err := full.change("acme", a.ID, &Alert{Alert: *a}); err != nil {
			b.Fatal(err)
		}
	}
	bytes := fill(b, s, g)
	b.Run("read", func(b *testing.B) {
		rate(b, bytes, func() error {
			return s.Runs.ReadDetections(b.Context(), 1, benchDetections, func([]transport.RawDetection) error { return nil })
		})
	})
	for name, alerts := range map[string]*alerts{"decode": newAlerts(), fmt.Sprintf("alerts=%d", benchAlerts): full} {
		b.Run(name, func(b *testing.B) {
			sweeper := New(Options{Detections: s.Detections(), Memory: 1 << 30}).rounds.sweeper
			sweeper.alerts = alerts
			matches := 0
			rate(b, bytes, func() error {
				j := newJob(transport.Run{Customer: "acme", Type: matching.AlertHot, From: 1, Since: 1, To: benchDetections, Through: benchDetections})
				err := sweeper.sweep(b.Context(), s.Runs.ReadDetections, []*job{j})
				matches = len(j.matches)
				return err
			})
			b.ReportMetric(float64(matches), "matches")
		})
	}
}

// fill stores detections as producers do, and gives how long one is.
func fill(b *testing.B, s *store.Store, g *matching.Generator) int {
	js, err := jetstream.New(s.NATS(), jetstream.WithPublishAsyncMaxPending(10_000))
	if err != nil {
		b.Fatal(err)
	}
	bytes := 0
	for range benchDetections {
		d := g.Detection()
		doc, err := json.Marshal(map[string]any{"id": d.ID, "time": d.Time, "city": d.City, "state": d.State, "road": d.Road, "lat_long": d.LatLong,
			"license_plate": d.LicensePlate, "license_plate_state": d.LicensePlateState, "vin": d.VIN, "usdot": d.USDOT, "mc": d.MC,
			"cab_number": d.CabNumber, "trailer_number": d.TrailerNumber, "trailer_logo": d.TrailerLogo, "equipment_type": d.EquipmentType,
			"text": d.Text, "result_url": d.ResultURL})
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(doc)
		if _, err := js.PublishAsync("detections.cam1", doc); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	return bytes / benchDetections
}

func rate(b *testing.B, bytes int, do func() error) {
	began, used, n := time.Now(), usage(b), 0
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
		n += benchDetections
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "detections/s")
	b.ReportMetric((usage(b)-used).Seconds()*1e6/float64(n), "cpu-µs/detection")
	b.ReportMetric(float64(bytes), "B/detection")
	b.ReportMetric(0, "ns/op")
}

// usage is the CPU time of this process, the server's part included.
func usage(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
