package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

const (
	awayEndpoints = 100
	awayEvents    = 5000
	receiverAway  = 5 * time.Second
	restarts      = 10
)

// The machine of 100 endpoints is away for five seconds: connections break and
// are refused. All 5,000 events arrive when it is back.
func TestTheReceiverGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	w := newWitness(t, always200)
	address := porttest.Address(t)
	stop := w.serveAt(t, address)
	n.start()
	schedule := strings.Fields(strings.Repeat("1s ", 20))
	for i := range awayEndpoints {
		n.addEndpoint(fmt.Sprintf("http://%s/%d", address, i), fmt.Sprintf("e%d.>", i), schedule...)
	}
	publish := func(from, to int) {
		var lines strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&lines, `%s{"customer":"acme","type":"e%d.x","id":"%d","data":{}}`, strings.Repeat(",", min(1, i-from)), i%awayEndpoints, i)
		}
		if status, text := n.call(http.MethodPost, "/v1/events", "["+lines.String()+"]", nil); status != http.StatusAccepted {
			t.Fatalf("publishing: %d %s", status, text)
		}
	}
	for from := 0; from < awayEvents/5*2; from += 500 {
		publish(from, from+500)
	}
	n.await("the first deliveries", func() bool { return w.pairs() > awayEvents/5 })
	w.fault()
	stop()
	gone := time.Now()
	for from := awayEvents / 5 * 2; from < awayEvents/5*4; from += 500 {
		publish(from, from+500)
	}
	time.Sleep(receiverAway - time.Since(gone)) // the fault's own timing
	stop = w.serveAt(t, address)
	defer stop()
	for from := awayEvents / 5 * 4; from < awayEvents; from += 500 {
		publish(from, from+500)
	}
	n.await("all to arrive", func() bool { return w.pairs() == awayEvents })
	sum := n.settledAudit()
	if sum.Owed != awayEvents || sum.Delivered != awayEvents {
		t.Errorf("the audit says %+v", sum)
	}
	t.Logf("receiver away for %s: %d delivered, repeated %d, all there %s after it came back", receiverAway, sum.Delivered, w.repeated(t), time.Since(gone)-receiverAway)
	n.terminate()
}

// SIGTERM under load, again and again: attempts in flight finish and what is
// acked stays acked, so nothing is lost and nothing comes twice.
func TestGracefulRestartsRepeatNothing(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, hardy...)
	w := newWitness(t, func(path, id string, nth int) int {
		if path == "/b" && nth == 1 && failuresOf(path, id) == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	n.addEndpoint(w.url+"/b", ">", "200ms", "400ms", "800ms")
	load := startPacedLoad(n, 2*time.Millisecond)
	for range restarts {
		before := w.pairs()
		n.await("500 deliveries", func() bool { return w.pairs() > before+500 })
		n.terminate()
		n.start()
	}
	accepted := load.stop()
	n.await("all that was accepted to arrive", func() bool { return w.missing("/a", accepted)+w.missing("/b", accepted) == 0 })
	sum := n.settledAudit()
	repeated := w.repeated(t) // none is explained: nothing was broken
	if sum.Repeated > 0 || sum.DeadLettered > 0 {
		t.Errorf("the audit says %+v", sum)
	}
	t.Logf("%d restarts: %d events accepted, %d pairs delivered, repeated %d; answers %v", restarts, len(accepted), sum.Delivered, repeated, load.statuses)
	n.terminate()
}
