package eventlog

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestPurge(t *testing.T) {
	o := embeddedOptions(t)
	now := time.Now()
	o.Now = func() time.Time { return now }
	s := openKept(t, o, time.Hour)
	ctx := jettest.Context(t)
	submit := func(n int) {
		for range n {
			if _, err := s.Submit(ctx, []transport.Event{{Customer: "acme", Type: "a", Data: []byte(`{}`)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := func(want uint64) {
		t.Helper()
		if err := s.Purge(ctx); err != nil {
			t.Fatal(err)
		}
		if got := jettest.StreamState(t, s.js, shard.Events()).FirstSeq; got != want {
			t.Errorf("first sequence %d, want %d", got, want)
		}
	}
	submit(10)
	now = now.Add(2 * time.Hour)
	first(1) // no consumer: nothing is settled
	c, err := s.js.CreateOrUpdateConsumer(ctx, shard.Events(), jetstream.ConsumerConfig{Durable: jet.ConsumerName, AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	first(1) // nothing is acked
	batch, err := c.Fetch(6)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first(7)
	now = now.Add(-2 * time.Hour)
	rest, _ := c.Fetch(4)
	for m := range rest.Messages() {
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first(7) // acked, not old enough
	now = now.Add(2 * time.Hour)
	first(11) // all of it
	first(11) // an empty log is fine
}
