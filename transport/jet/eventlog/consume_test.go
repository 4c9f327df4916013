package eventlog

import (
	"testing"

	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestStopHandsEverythingBackAtOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	const n = 300
	for range n {
		jettest.Publish(t, s.js, "events.acme.x", `{}`)
	}
	blocked := jettest.NewSink(0)
	c, err := s.Consume(jettest.Context(t), blocked, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := blocked.Next(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		jettest.ShutWith(t, c.Stop)
	}()
	// The handler stands in the sink with the second event until it is let go,
	// unless the stop came before it got there.
	jettest.Eventually(t, c.pull.Stopping)
	select {
	case second := <-blocked.Events:
		second.H.Nak()
	case <-stopped:
	}
	jettest.Receive(t, stopped, "the stop")
	first.H.Nak()

	sink := jettest.NewSink(n)
	startConsuming(t, s, sink)
	seen := map[uint64]bool{}
	for len(seen) < n { // long before AckWait
		got := sink.Next(t)
		seen[got.Ev.Seq] = true
		got.H.Ack()
	}
}
