//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// kill -9 while clients publish asynchronously: what was acknowledged is there,
// and of what is published again with its id nothing is there twice.
func TestWhatProducersWereToldIsThereAfterKill9(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	w := newWitness(t, func(string, string, int) int { return http.StatusOK })
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	p := n.natsProducer()
	next := 0
	for range 4 {
		stop := time.Now().Add(700 * time.Millisecond) // the fault's own timing, not a wait for anything
		var waiting sync.WaitGroup
		for time.Now().Before(stop) {
			for range 20 {
				p.publish(fmt.Sprintf("%s-%d", []string{"acme", "zeta"}[next%2], next), &waiting)
				next++
			}
			time.Sleep(2 * time.Millisecond) // its pace
		}
		n.kill()
		n.start()
		waiting.Wait()
	}
	p.again(t)
	var acme []string
	for id := range p.acked {
		if strings.HasPrefix(id, "acme") {
			acme = append(acme, id)
		}
	}
	n.await("all that was acknowledged to arrive", func() bool { return w.missing("/a", acme) == 0 })
	n.settledAudit()
	n.terminate()
	t.Logf("%d published, %d of them told as duplicates after a kill", next, p.duplicates)
	if len(p.acked) != next {
		t.Errorf("%d of %d were acknowledged", len(p.acked), next)
	}
	if stored := n.stored(); stored != uint64(next) {
		t.Errorf("%d messages in the log for %d ids", stored, next)
	}
}

// stored counts the events in the log of a node that does not run.
func (n *testNode) stored() uint64 {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := jet.Open(ctx, jet.Options{DataDir: n.data(), MasterKey: make([]byte, 32)})
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = s.Close(ctx) }()
	stream, err := s.JetStream().Stream(ctx, jet.StreamEvents)
	if err != nil {
		n.t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// The log's share of the disk is used up by producers: they are told so by an
// error that says what to do, what was acknowledged arrives, and with a larger
// disk the node takes events again.
func TestAFullLogRefusesProducers(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.mountSmall(48)
	w := newWitness(t, func(string, string, int) int { return http.StatusOK })
	n.start()
	held := n.addEndpoint(w.url+"/a", ">") // what is settled would leave before anything is refused
	n.setPaused(held, true)
	p := n.natsProducer()
	fill := func(prefix string) (accepted []string, refusal error) {
		for i := 0; ; i++ {
			id := fmt.Sprint(prefix, i)
			_, err := p.js.Publish(t.Context(), "events.acme.a", fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("0123456789", 50_000)), jetstream.WithMsgID(id))
			if err != nil {
				return accepted, err
			}
			accepted = append(accepted, id)
		}
	}
	accepted, refusal := fill("a")
	var api *jetstream.APIError
	if !errors.As(refusal, &api) || api.Code != 503 || api.ErrorCode != 10077 || !strings.Contains(api.Description, "share of the disk") {
		t.Errorf("after %d: %v", len(accepted), refusal)
	}
	n.setPaused(held, false)
	n.await("all that was acknowledged to arrive", func() bool { return w.missing("/a", accepted) == 0 })
	n.terminate()
	n.growMount(80)
	n.start()
	n.setPaused(held, true)
	more, _ := fill("b")
	if len(more) < 20 {
		t.Errorf("a disk of 32 MiB more took %d events of 500 KB", len(more))
	}
	n.setPaused(held, false)
	n.await("what came with the larger disk to arrive", func() bool { return w.missing("/a", more) == 0 })
	n.terminate()
}

// Something else fills the disk while producers publish: the node acknowledges
// nothing that it cannot keep and leaves; with space again what it acknowledged
// arrives, and what it did not is taken.
func TestProducersLoseNothingOnADiskFilledByOthers(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.mountSmall(48)
	w := newWitness(t, func(string, string, int) int { return http.StatusOK })
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	p := n.natsProducer()
	filler := n.fillDisk()
	var waiting sync.WaitGroup
	left := n.proc.done
	for i := 0; ; i++ {
		select {
		case <-left:
		default:
			p.publish(fmt.Sprintf("acme-%d", i), &waiting)
			time.Sleep(time.Millisecond) // its pace
			continue
		}
		break
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.start()
	waiting.Wait()
	p.again(t)
	var all []string
	for id := range p.acked {
		all = append(all, id)
	}
	n.await("all that was acknowledged to arrive", func() bool { return w.missing("/a", all) == 0 })
	t.Logf("%d acknowledged, %d told as duplicates", len(all), p.duplicates)
	n.settledAudit()
	n.terminate()
}
