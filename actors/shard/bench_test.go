package shard

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// BenchmarkShard is the way of an event through the shard and its endpoints
// with receivers, journal and acks that cost nothing. One op is one delivery.
func BenchmarkShard(b *testing.B) {
	for _, fan := range []int{1, 10} {
		b.Run(fmt.Sprintf("fanout=%d", fan), func(b *testing.B) { benchmarkShard(b, fan) })
	}
}

type instant struct{}

func (instant) Prepare(*transport.Endpoint) (endpoint.Target, error) { return instant{}, nil }
func (instant) Send(context.Context, *transport.Event, int) transport.Answer {
	return transport.Answer{Class: transport.Delivered, Status: 200}
}
func (instant) Close() {}
func (instant) Append(_ *transport.Record, w transport.Waiter) {
	if w != nil {
		w.Done()
	}
}
func (instant) Park(_, _ string, _ transport.Entry, w transport.Waiter) { w.Done() }
func (instant) Bury(_ *transport.DeadLetter, w transport.Waiter)        { w.Done() }
func (instant) After(w transport.Waiter)                                { w.Done() }
func (instant) Recall(string, int, transport.Place, transport.Waiter)   {}
func (instant) List(_ string, got func([]endpoint.ParkedPair))          { got(nil) }
func (instant) Remember(_ transport.Remembered, w transport.Waiter)     { w.Done() }
func (instant) Tell(transport.News)                                     {}
func (instant) Record(*transport.Record)                                {}

type acked struct{ done chan struct{} }

func (a acked) Ack()      { a.done <- struct{}{} }
func (acked) Nak()        {}
func (acked) InProgress() {}

func benchmarkShard(b *testing.B, fan int) {
	system, err := actors.NewSystem()
	if err != nil {
		b.Fatal(err)
	}
	tuning := endpoint.DefaultTuning()
	s := New(Options{System: system, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Fatal: func(err error) { b.Error(err) },
		Deps: endpoint.Deps{Sender: instant{}, Journal: instant{}, Parker: instant{}, Graveyard: instant{}, Memories: instant{}, Teller: instant{}, Tuning: &tuning, Observer: instant{}, Runner: endpoint.NewPool(b.Context()), Now: time.Now, Context: b.Context()}})
	for i := range fan {
		ep := makeEndpoint(fmt.Sprint("ep", i))
		ep.Delivery.Concurrency = 64
		s.Change(transport.Change{ID: ep.ID, Endpoint: ep})
	}
	events := b.N/fan + 1
	h := acked{make(chan struct{}, 1024)}
	ev := *makeEvent(1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		all := make([]transport.Event, events)
		for i := range all {
			all[i] = ev
			all[i].Seq = uint64(i + 1)
			s.Event(&all[i], h)
		}
	}()
	for range events {
		<-h.done
	}
	b.StopTimer()
	if err := s.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}
