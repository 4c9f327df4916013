package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// load publishes by HTTP until it is stopped; a request that got no answer, or
// a 503, is made again with the same ids.
type load struct {
	n    *testNode
	gap  time.Duration // between the requests of one worker
	quit chan struct{}
	done sync.WaitGroup

	mu       sync.Mutex
	accepted []string
	statuses map[int]int // answers by status, 0 for none
}

const (
	loadWorkers = 4
	// loadRetry is between two tries of one request.
	loadRetry = 20 * time.Millisecond
)

// startLoad publishes ten events a request, as fast as they are taken.
func startLoad(n *testNode) *load { return startPacedLoad(n, 0) }

func startPacedLoad(n *testNode, gap time.Duration) *load {
	l := &load{n: n, gap: gap, quit: make(chan struct{}), statuses: map[int]int{}}
	for worker := range loadWorkers {
		l.done.Go(func() { l.work(worker) })
	}
	return l
}

func (l *load) work(worker int) {
	for i := 0; l.pause(l.gap); i++ {
		ids, events := make([]string, 10), make([]string, 10)
		for j := range ids {
			ids[j] = fmt.Sprintf("w%d-%d-%d", worker, i, j)
			events[j] = fmt.Sprintf(`{"customer":"acme","type":"load.event","id":%q,"data":{"n":%d}}`, ids[j], i)
		}
		if !l.publish(ids, "["+strings.Join(events, ",")+"]") {
			return
		}
	}
}

// publish tries until the events are accepted, the stop notwithstanding: what
// may have been stored already must end as accepted.
func (l *load) publish(ids []string, body string) bool {
	for {
		status, text := l.n.call(http.MethodPost, "/v1/events", body, nil)
		l.mu.Lock()
		l.statuses[status]++
		if status == http.StatusAccepted {
			l.accepted = append(l.accepted, ids...)
		}
		l.mu.Unlock()
		switch {
		case status == http.StatusAccepted:
			return true
		case status != 0 && status != http.StatusServiceUnavailable:
			l.n.t.Errorf("publishing: %d %s", status, text)
			return false
		}
		time.Sleep(loadRetry) // a client's own pace
	}
}

// pause is false when the load is to stop.
func (l *load) pause(d time.Duration) bool {
	select {
	case <-l.quit:
		return false
	case <-time.After(d):
		return true
	}
}

func (l *load) stop() []string {
	close(l.quit)
	l.done.Wait()
	return l.accepted
}

// answers tells how many requests were answered so.
func (l *load) answers(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[status]
}

// witness is a receiver that answers as it is told and remembers every arrival
// of each pair, by path and webhook-id.
type witness struct {
	url    string
	answer func(path, id string, nth int) int // nth arrival of the pair, from 1

	mu       sync.Mutex
	arrivals map[string][]arrival
	accepted int // pairs answered with 200
	faults   []time.Time
	oldest   time.Duration // of what was accepted and came again: its age at the fault
}

type arrival struct {
	at     time.Time
	status int
}

// always200 is the answer of a receiver that is well.
func always200(string, string, int) int { return http.StatusOK }

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if _, err := readAll(r); err != nil {
		return // broken off in the middle of a request
	}
	id := r.Header.Get("webhook-id")
	key := r.URL.Path + " " + id
	w.mu.Lock()
	status := w.answer(r.URL.Path, id, len(w.arrivals[key])+1)
	if status == http.StatusOK && w.countOf(key, http.StatusOK) == 0 {
		w.accepted++
	}
	w.arrivals[key] = append(w.arrivals[key], arrival{time.Now(), status})
	w.mu.Unlock()
	rw.WriteHeader(status)
}

func (w *witness) countOf(key string, status int) (n int) {
	for _, a := range w.arrivals[key] {
		if a.status == status {
			n++
		}
	}
	return n
}

// pairs is how many pairs were answered with 200.
func (w *witness) pairs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accepted
}

// missing is how many of ids were not accepted at a path.
func (w *witness) missing(path string, ids []string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if w.countOf(path+" "+id, http.StatusOK) == 0 {
			n++
		}
	}
	return n
}

// fault notes that something was broken now.
func (w *witness) fault() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, time.Now())
}

// faultsBetween counts faults that may have cut an attempt off which was seen
// at first, so that it came again at again.
func (w *witness) faultsBetween(first, again time.Time) (n int) {
	for _, at := range w.faults {
		if at.Before(again) && at.Sub(first) < inFlightAtMost && first.Before(at.Add(inFlightAtMost)) {
			n++
		}
	}
	return n
}

// age is how long before the next fault at was.
func (w *witness) age(at time.Time) time.Duration {
	for _, fault := range w.faults {
		if fault.After(at) {
			return fault.Sub(at)
		}
	}
	return 0
}

// repeated counts arrivals of pairs that were accepted before; each must have
// been in flight at a fault.
func (w *witness) repeated(t *testing.T) (n int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, all := range w.arrivals {
		for i := 1; i < len(all); i++ {
			if all[i-1].status != http.StatusOK {
				continue
			}
			n++
			w.oldest = max(w.oldest, w.age(all[i-1].at))
			if w.faultsBetween(all[i-1].at, all[i].at) == 0 {
				t.Errorf("%s was accepted at %s and came again at %s, with no fault between", key, all[i-1].at, all[i].at)
			}
		}
	}
	return n
}

// times is how often a pair arrived.
func (w *witness) times(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.arrivals[key])
}
