package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// BenchmarkPublish compares ways to store events of 1 KiB, in process.
func BenchmarkPublish(b *testing.B) {
	for name, sync := range map[string]time.Duration{"sync=always": 0, "sync=2m": 2 * time.Minute} {
		b.Run(name, func(b *testing.B) {
			o := embeddedOptions(b)
			o.SyncInterval, o.MaxStore = sync, 0
			s := openEmbedded(b, o)
			data := jettest.BigDocument(1024)
			b.Run("one-by-one", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Events.Submit(context.Background(), []transport.Event{{Customer: "a", Type: "a", Data: data}}); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, 1)
			})
			for _, n := range []int{2, 10, 100, 1000} {
				evs := make([]transport.Event, n)
				for i := range evs {
					evs[i] = transport.Event{Customer: "a", Type: "a", Data: data}
				}
				b.Run(fmt.Sprintf("array=%d", n), func(b *testing.B) {
					for b.Loop() {
						if _, err := s.Events.Submit(context.Background(), evs); err != nil {
							b.Fatal(err)
						}
					}
					perSecond(b, n)
				})
			}
			b.Run("callers=100", func(b *testing.B) {
				b.SetParallelism(50)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := s.Events.Submit(context.Background(), []transport.Event{{Customer: "a", Type: "a", Data: data}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
				perSecond(b, 1)
			})
			b.Run("tcp/async", func(b *testing.B) { benchAsync(b, connectJS(b, s)) })
			b.Run("in-process/async", func(b *testing.B) {
				js, err := jetstream.New(s.NATS(), jetstream.WithPublishAsyncMaxPending(1000))
				if err != nil {
					b.Fatal(err)
				}
				defer js.CleanupPublisher()
				benchAsync(b, js)
			})
			b.Run("tcp/publisher", func(b *testing.B) {
				p, err := publisher.Connect(s.ClientURL(), publisher.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				evs := make([]publisher.Event, 500)
				for i := range evs {
					evs[i] = publisher.Event{Customer: "a", Type: "a", Data: data}
				}
				for b.Loop() {
					if err := p.PublishAll(context.Background(), evs); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, len(evs))
			})
		})
	}
}

func connectJS(b *testing.B, s *Store) jetstream.JetStream {
	nc := jettest.Connect(b, s.ClientURL())
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		b.Fatal(err)
	}
	return js
}

func benchAsync(b *testing.B, js jetstream.JetStream) {
	data := jettest.BigDocument(1024)
	for b.Loop() {
		if _, err := js.PublishAsync("events.a.a", data, jetstream.WithStallWait(5*time.Second)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	perSecond(b, 1)
}

func perSecond(b *testing.B, each int) {
	b.ReportMetric(float64(b.N*each)/b.Elapsed().Seconds(), "events/s")
}
