package jet

import (
	"context"
	"fmt"
	"testing"
	"time"
	"encoding/json"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"github.com/postrider/postrider/matching"
)

func BenchmarkZZRead(b *testing.B) {
	s := openEmbedded(b, embeddedOptions(b))
	ctx := context.Background()
	if _, err := s.js.CreateStream(ctx, jetstream.StreamConfig{Name: "DET", Subjects: []string{"det.>"}, Storage: jetstream.FileStorage, AllowDirect: true, AllowAtomicPublish: true}); err != nil {
		b.Fatal(err)
	}
	g := matching.NewGenerator(1)
	const n = 100000
	size := 0
	for i := 0; i < n; i += 500 {
		p, _ := jetstreamext.NewBatchPublisher(s.js)
		for j := 0; j < 500; j++ {
			d := g.Detection()
			doc, _ := json.Marshal(map[string]any{"id": d.ID, "time": d.Time, "city": d.City, "state": d.State, "road": d.Road, "lat_long": d.LatLong, "license_plate": d.LicensePlate, "license_plate_state": d.LicensePlateState, "vin": d.VIN, "usdot": d.USDOT, "mc": d.MC, "cab_number": d.CabNumber, "trailer_number": d.TrailerNumber, "trailer_logo": d.TrailerLogo, "equipment_type": d.EquipmentType, "text": d.Text, "result_url": d.ResultURL})
			size += len(doc)
			m := nats.NewMsg("det.cam")
			m.Data = doc
			if j == 499 {
				if _, err := p.CommitMsg(ctx, m); err != nil { b.Fatal(err) }
			} else if err := p.AddMsg(m); err != nil { b.Fatal(err) }
		}
	}
	b.Logf("%d bytes each", size/n)
	rate := func(b *testing.B, f func() int) {
		start := time.Now()
		got := 0
		for b.Loop() { got += f() }
		b.ReportMetric(float64(got)/time.Since(start).Seconds(), "msgs/s")
	}
	b.Run("batchget", func(b *testing.B) { rate(b, func() int {
		got := 0
		if err := s.sweep(ctx, sweep{stream: "DET", subject: ">"}, func(m *jetstream.RawStreamMsg) error { got++; return nil }); err != nil { b.Fatal(err) }
		return got
	})})
	b.Run("ordered", func(b *testing.B) { rate(b, func() int {
		c, err := s.js.OrderedConsumer(ctx, "DET", jetstream.OrderedConsumerConfig{})
		if err != nil { b.Fatal(err) }
		got := 0
		done := make(chan struct{})
		cc, err := c.Consume(func(m jetstream.Msg) { got++; if got == n { close(done) } }, jetstream.PullMaxMessages(4096))
		if err != nil { b.Fatal(err) }
		<-done
		cc.Stop()
		return got
	})})
	b.Run("push", func(b *testing.B) { rate(b, func() int {
		js, _ := s.nc.JetStream()
		got := 0
		done := make(chan struct{})
		sub, err := js.Subscribe("det.>", func(m *nats.Msg) { got++; if got == n { close(done) } }, nats.OrderedConsumer(), nats.BindStream("DET"))
		if err != nil { b.Fatal(err) }
		<-done
		_ = sub.Unsubscribe()
		return got
	})})
	_ = fmt.Sprint
}
