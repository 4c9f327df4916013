package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

const (
	faultKills = 20
	// faultGap keeps requests and deliveries under way at every kill, and the
	// machine free enough that these are all that is late.
	faultGap    = 20 * time.Millisecond
	faultSecret = "a secret of the fault test"
	// inFlightAtMost is how old a delivery may be at a kill and still be
	// unjournaled: a slow disk and a loaded machine included.
	inFlightAtMost = 2 * time.Second
)

// kill -9 of the real program under load, again and again: every event that
// was accepted arrives, with a signature that holds; what arrives twice was in
// flight at a kill; and the audit adds up.
func TestNothingIsLostByKill9(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	n := newTestNode(t)
	r := newFaultReceiver(t)
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", r.URL+"/a", "--secret", faultSecret, "--profile", "genlogs", "--events", ">")
	n.must("", "endpoint", "add", "--customer", "acme", "--url", r.URL+"/b", "--secret", faultSecret, "--profile", "genlogs", "--events", ">", "--schedule", "500ms,500ms,500ms,500ms,500ms,500ms,500ms,500ms,500ms")
	load := startPacedLoad(n, faultGap)
	for range faultKills {
		time.Sleep(time.Duration(100+random.IntN(500)) * time.Millisecond) // the fault's own timing, not a wait for anything
		r.killed()
		n.kill()
		n.start()
	}
	accepted := load.stop()
	n.await("all that was accepted to arrive", func() bool { return r.missing(accepted) == 0 })
	var audit struct{ OK bool }
	if out := n.must("", "audit", "-o", "json"); json.Unmarshal([]byte(out), &audit) != nil || !audit.OK {
		t.Errorf("the audit does not add up: %s", out)
	}
	repeated := r.check(t)
	t.Logf("%d kills (seed %d): %d events accepted, %d pairs arrived, lost 0, repeated %d", faultKills, seed, len(accepted), 2*len(accepted), repeated)
	n.terminate()
}

// faultReceiver checks signatures, answers 500 now and then, and remembers
// when each pair was accepted.
type faultReceiver struct {
	*httptest.Server
	mu       sync.Mutex
	arrivals map[string][]time.Time // by path and webhook-id
	kills    []time.Time
	bad      []string
	count    int
}

func newFaultReceiver(t *testing.T) *faultReceiver {
	r := &faultReceiver{arrivals: map[string][]time.Time{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *faultReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the node was killed in the middle of a request
	}
	err = signature.Verify(signature.Config{Scheme: "genlogs"}, faultSecret, req.Header, body, time.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.bad = append(r.bad, err.Error())
	}
	r.count++
	if req.URL.Path == "/b" && r.count%50 == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	key := req.URL.Path + " " + req.Header.Get("webhook-id")
	r.arrivals[key] = append(r.arrivals[key], time.Now())
}

func (r *faultReceiver) killed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kills = append(r.kills, time.Now())
}

func (r *faultReceiver) missing(accepted []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range accepted {
		for _, path := range []string{"/a", "/b"} {
			if len(r.arrivals[path+" "+id]) == 0 {
				n++
			}
		}
	}
	return n
}

// check counts what arrived more than once; each of those was in flight at a kill.
func (r *faultReceiver) check(t *testing.T) (repeated int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, bad := range r.bad {
		t.Errorf("a signature did not hold: %s", bad)
	}
	for key, times := range r.arrivals {
		repeated += len(times) - 1
		for i := 1; i < len(times); i++ {
			if !r.inFlight(times[i-1], times[i]) {
				t.Errorf("%s arrived at %s and again at %s, with no kill between", key, times[i-1], times[i])
			}
		}
	}
	return repeated
}

func (r *faultReceiver) inFlight(first, again time.Time) bool {
	for _, kill := range r.kills {
		if first.Before(kill.Add(inFlightAtMost)) && kill.Before(again) && kill.Sub(first) < inFlightAtMost {
			return true
		}
	}
	return false
}
