package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsProducer publishes as any NATS client would: asynchronously, with ids, and
// again what was not acknowledged.
type natsProducer struct {
	js jetstream.JetStream
	mu sync.Mutex
	// acked are the ids that were acknowledged, owed those that were not.
	acked      map[string]bool
	owed       []string
	duplicates int
}

func (n *testNode) natsProducer() *natsProducer {
	n.t.Helper()
	nc, err := nats.Connect("nats://"+n.nats, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncTimeout(2*time.Second))
	if err != nil {
		n.t.Fatal(err)
	}
	return &natsProducer{js: js, acked: map[string]bool{}}
}

// publish sends one and notes what becomes of it.
func (p *natsProducer) publish(id string, waiting *sync.WaitGroup) {
	customer, _, _ := strings.Cut(id, "-")
	m := nats.NewMsg("events." + customer + ".a")
	m.Header.Set(jetstream.MsgIDHeader, id)
	m.Data = fmt.Appendf(nil, `{"id":%q}`, id)
	future, err := p.js.PublishMsgAsync(m)
	if err != nil {
		p.became(id, false, false)
		return
	}
	waiting.Go(func() {
		select {
		case ack := <-future.Ok():
			p.became(id, true, ack.Duplicate)
		case <-future.Err(): //nolint:errcheck // a channel, of which that there is one says it
			p.became(id, false, false)
		}
	})
}

func (p *natsProducer) became(id string, acked, duplicate bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !acked {
		p.owed = append(p.owed, id)
		return
	}
	if p.acked[id] = true; duplicate {
		p.duplicates++
	}
}

// again publishes what is owed until nothing is.
func (p *natsProducer) again(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		p.mu.Lock()
		owed := p.owed
		p.owed = nil
		p.mu.Unlock()
		if len(owed) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are not taken", len(owed))
		}
		var waiting sync.WaitGroup
		for _, id := range owed {
			p.publish(id, &waiting)
		}
		waiting.Wait()
	}
}
