package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

// soakReceiver is one endpoint's receiver, on an address of its own.
type soakReceiver struct {
	node     *testNode
	endpoint string
	address  string
	server   *http.Server
	closed   chan struct{} // by the server's end
	gone     bool          // its fault is 410 alone

	mu       sync.Mutex
	manner   string
	accepted map[string]int // times by webhook-id
}

// manners are the faults of a receiver, 410 aside.
var manners = []string{"down", "500", "hanging", "slow", "429"}

func newSoakReceiver(t *testing.T, n *testNode, i int) *soakReceiver {
	r := &soakReceiver{node: n, address: porttest.Address(t), gone: i == goneAt, accepted: map[string]int{}}
	r.up(t)
	t.Cleanup(func() { r.server.Close() })
	r.endpoint = n.addSoakEndpoint(fmt.Sprintf("http://%s/%d", r.address, i))
	return r
}

func (r *soakReceiver) up(t *testing.T) {
	l, err := net.Listen("tcp", r.address)
	for until := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(until); {
		time.Sleep(loadRetry) // an attempt to connect may hold the port for a moment
		l, err = net.Listen("tcp", r.address)
	}
	if err != nil {
		t.Errorf("a receiver cannot come back: %v", err)
		return
	}
	server, closed := &http.Server{Handler: r}, make(chan struct{})
	go func() { _ = server.Serve(l); close(closed) }() // ends with Close
	r.server, r.closed = server, closed
}

// fault has the receiver in trouble for d and tells which it was.
func (r *soakReceiver) fault(random *rand.Rand, d time.Duration) string {
	manner := manners[random.IntN(len(manners))]
	if r.gone {
		manner = "410"
	}
	r.behave(manner)
	if manner == "down" {
		_ = r.server.Close()
		<-r.closed
	}
	time.Sleep(d) // the fault's own timing
	if manner == "down" {
		r.up(r.node.t)
	}
	r.behave("")
	if manner == "410" {
		r.resume()
	}
	return "receiver " + manner
}

// resume goes on with an endpoint that was disabled, when the node is there.
func (r *soakReceiver) resume() {
	for {
		status, text := r.node.call(http.MethodPost, "/v1/endpoints/"+r.endpoint+"/resume", "", nil)
		switch {
		case status >= 200 && status < 300:
			return
		case status != 0 && status != http.StatusServiceUnavailable:
			r.node.t.Errorf("resume: %d %s", status, text)
			return
		}
		time.Sleep(loadRetry) // a client's own pace
	}
}

func (r *soakReceiver) behave(manner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manner = manner
}

func (r *soakReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return // broken off in the middle of a request
	}
	r.mu.Lock()
	manner := r.manner
	r.mu.Unlock()
	switch manner {
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "410":
		w.WriteHeader(http.StatusGone)
	case "429":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case "hanging":
		<-req.Context().Done()
	default:
		if manner == "slow" {
			time.Sleep(300 * time.Millisecond) // well within the time limit
		}
		r.mu.Lock()
		r.accepted[req.Header.Get("webhook-id")]++
		r.mu.Unlock()
	}
}

// pairs is how many events were accepted.
func (r *soakReceiver) pairs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.accepted)
}

// counts are the events accepted, and how often one came again.
func (r *soakReceiver) counts() (pairs, repeated int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.accepted {
		repeated += times - 1
	}
	return len(r.accepted), repeated
}

func (r *soakReceiver) missing(ids []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.accepted[id] == 0 {
			n++
		}
	}
	return n
}

// faultCount counts the faults by name.
type faultCount struct {
	mu sync.Mutex
	of map[string]int
}

func newFaultCount() *faultCount { return &faultCount{of: map[string]int{}} }

func (f *faultCount) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of[name]++
}

// String lists them, as in "kill -9 of NATS 3, receiver down 5".
func (f *faultCount) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.of)) {
		all = append(all, fmt.Sprint(name, " ", f.of[name]))
	}
	return strings.Join(all, ", ")
}
