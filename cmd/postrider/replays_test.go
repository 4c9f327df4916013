package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
)

// replaySize is how many deliveries the replays of this file are of; the
// environment may ask for more.
func replaySize() int {
	if n, err := strconv.Atoi(os.Getenv("POSTRIDER_TEST_REPLAY")); err == nil {
		return n
	}
	return 3000
}

func (n *testNode) publishMany(subject string, count int) {
	n.t.Helper()
	var lines strings.Builder
	for i := range count {
		fmt.Fprintf(&lines, `{"n":%d}`+"\n", i)
	}
	n.must(lines.String(), "publish", "--lines", subject, "-", "--nats-url", "nats://"+n.nats)
}

// begin starts a replay by the API.
func (n *testNode) beginReplay(path, body string) *transport.ReplayJob {
	n.t.Helper()
	var answer api.StartedReplay
	if status, text := n.call(http.MethodPost, path, body, &answer); status != http.StatusAccepted {
		n.t.Fatalf("%s %s: %d %s", path, body, status, text)
	}
	return answer.Replay
}

func (n *testNode) replay(id string) (job transport.ReplayJob) {
	n.t.Helper()
	if status, text := n.call(http.MethodGet, "/v1/replays/"+id, "", &job); status != http.StatusOK && status != 0 && status != http.StatusServiceUnavailable {
		n.t.Fatalf("replay %s: %d %s", id, status, text)
	}
	return job
}

// A replay by filter runs at its pace and is cancelled in the middle; another
// goes on after a kill in its middle. What arrived is what they say, nothing
// arrives twice of one replay, and the audit adds up.
func TestAReplayIsPacedCancelledAndGoesOnAfterAKill(t *testing.T) {
	t.Parallel()
	size := replaySize()
	n := newTestNode(t, "POSTRIDER_DEDUP_LOCAL=1s")
	var arrived atomic.Int64
	w := newWitness(t, func(string, string, int) int { arrived.Add(1); return http.StatusOK })
	n.start()
	id := n.addEndpoint(w.url+"/hook", "parcel.>")
	n.publishMany("events.acme.parcel.scanned", size)
	n.awaitFor(5*time.Minute, "all to be delivered", func() bool { return arrived.Load() == int64(size) })
	n.await("the log to know", func() bool {
		var c api.StartedReplay
		n.call(http.MethodPost, "/v1/replays", `{"dry_run":true,"endpoint":"`+id+`","status":"delivered"}`, &c)
		return c.Count == uint64(size)
	})

	rate := min(size/6, 4000)
	began := time.Now()
	job := n.beginReplay("/v1/replays", fmt.Sprintf(`{"endpoint":%q,"type":"parcel.>","rate":%d}`, id, rate))
	if job.Total != uint64(size) {
		t.Errorf("%d are to be replayed, want %d", job.Total, size)
	}
	n.await("half of it", func() bool { return n.replay(job.ID).Done > uint64(size/2) })
	var cancelled transport.ReplayJob
	if status, text := n.call(http.MethodDelete, "/v1/replays/"+job.ID, "", &cancelled); status != http.StatusOK {
		t.Fatalf("cancel: %d %s", status, text)
	}
	took := time.Since(began)
	if most := float64(rate)*took.Seconds() + 2*float64(rate)/4 + 256; float64(cancelled.Replayed) > most || cancelled.State != transport.ReplayCancelled {
		t.Errorf("%s after %s with %d replayed, at most %.0f by its rate", cancelled.State, took, cancelled.Replayed, most)
	}
	// The audit knows a replay once something became of it.
	n.await("what was replayed to arrive", func() bool { return arrived.Load()-int64(size) >= int64(cancelled.Replayed) })
	sum := n.settledAudit()
	if got := arrived.Load() - int64(size); got != int64(cancelled.Replayed) || sum.Owed != uint64(size)+cancelled.Replayed {
		t.Errorf("%d arrived again and %d are owed, of %d replayed", got, sum.Owed, cancelled.Replayed)
	}

	before := arrived.Load()
	job = n.beginReplay("/v1/replays", fmt.Sprintf(`{"endpoint":%q,"from":"2020-01-01T00:00:00Z","rate":%d}`, id, rate))
	n.await("a third of it", func() bool { return n.replay(job.ID).Done > uint64(size/3) })
	n.kill()
	n.start()
	n.awaitFor(5*time.Minute, "the replay to be done", func() bool { return n.replay(job.ID).State == transport.ReplayDone })
	done := n.replay(job.ID)
	sum = n.settledAudit()
	if done.Replayed != uint64(size) || done.Gone+done.Skipped != 0 || sum.Owed != 2*uint64(size)+cancelled.Replayed {
		t.Errorf("done %+v, owed %d", done, sum.Owed)
	}
	// Only what was in flight at the kill may have arrived twice.
	if extra := arrived.Load() - before - int64(size); extra < 0 || extra > 64 {
		t.Errorf("%d arrived beyond those that were replayed", extra)
	}
	t.Logf("%d deliveries: %d replayed in %s at %d/s and cancelled, then all again through a kill", size, cancelled.Replayed, took.Round(time.Millisecond), rate)
}

// A new endpoint gets the past from a time on, and what comes meanwhile, each once.
func TestANewEndpointStartsInThePast(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_REPLAYS_RATE=10000")
	n.start()
	w := newWitness(t, always200)
	n.addEndpoint(w.url+"/first", ">")
	n.publishMany("events.acme.parcel.scanned", 200)
	n.await("the first to have them", func() bool { return w.pairs() == 200 })
	stop := make(chan struct{})
	published := make(chan int)
	go func() { // and more of them all the time
		count := 0
		for {
			select {
			case <-stop:
				published <- count
				return
			default:
			}
			if status, _ := n.call(http.MethodPost, "/v1/events", `{"customer":"acme","type":"parcel.scanned","data":{"live":true}}`, nil); status == http.StatusAccepted {
				count++
			}
		}
	}()
	body := fmt.Sprintf(`{"customer":"acme","url":%q,"profile":"custom","secret":%q,"events":["parcel.>"],"filter":"has(event.data.live) || event.data.n >= 50","from":"2020-01-01T00:00:00Z"}`, w.url+"/late", faultSecret)
	if status, text := n.call(http.MethodPost, "/v1/endpoints", body, nil); status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	time.AfterFunc(time.Second, func() { close(stop) })
	live := <-published
	want := func(path string) (n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for key, list := range w.arrivals {
			if strings.HasPrefix(key, path) {
				if n++; len(list) > 1 {
					t.Errorf("%s arrived %d times", key, len(list))
				}
			}
		}
		return n
	}
	n.await("the late one to have all", func() bool { return want("/late") == 150+live && want("/first") == 200+live })
	n.settledAudit()
	if n.await("the replay to be over", func() bool {
		var list api.ReplayList
		n.call(http.MethodGet, "/v1/replays", "", &list)
		return len(list.Items) == 1 && list.Items[0].State == transport.ReplayDone
	}); want("/late") != 150+live {
		t.Error("more came after all had come")
	}
}
