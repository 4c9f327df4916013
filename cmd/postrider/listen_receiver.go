package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// maxDelivery is more than any delivery is.
	maxDelivery = 64 << 20
	// seenIDs bounds the ids that are remembered to tell a repeat.
	seenIDs = 100_000
)

// receiver answers deliveries and prints them, one at a time.
type receiver struct {
	a     *app
	flags *listenFlags
	// interrupted ends waits; enough is told once no more is wanted.
	interrupted <-chan struct{}
	enough      func()

	mu      sync.Mutex
	whims   *whims
	n       int
	repeats int
	seen    map[string]bool
}

func newReceiver(a *app, f *listenFlags, interrupted <-chan struct{}, enough func()) *receiver {
	return &receiver{a: a, flags: f, interrupted: interrupted, enough: enough,
		whims: newWhims(f.seed, f.wait, f.failRate), seen: map[string]bool{}}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := readAtMost(req.Body, "the body", maxDelivery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d := newDelivery(time.Now(), req, body, r.flags.secrets, r.flags.scheme)
	r.mu.Lock()
	wait, fail := r.whims.next()
	r.mu.Unlock()
	answer := r.reply(req, body, fail)
	if r.flags.isDifferent {
		d.Answered = answer.note
		if wait > 0 {
			d.Answered += " after " + wait.Round(time.Millisecond).String()
		}
	}
	last := r.show(d)
	r.rest(req, wait)
	answer.write(w)
	if last {
		r.enough()
	}
}

// reply is what a delivery is answered; one that is failed is not passed on.
func (r *receiver) reply(req *http.Request, body []byte, fail bool) reply {
	switch {
	case fail:
		return reply{status: r.flags.failStatus, note: fmt.Sprintf("%d: failed by --fail-rate", r.flags.failStatus)}
	case r.flags.forward != nil:
		return r.flags.forward.pass(req.Context(), req, body)
	}
	return reply{status: r.flags.status, note: fmt.Sprint(r.flags.status)}
}

// rest waits, or until nobody waits for the answer any more.
func (r *receiver) rest(req *http.Request, wait time.Duration) {
	if wait == 0 {
		return
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case <-over.C:
	case <-req.Context().Done():
	case <-r.interrupted:
	}
}

// show prints a delivery, unless there were enough, and tells whether it is
// the last one: the one that makes them enough, or that cannot be printed.
func (r *receiver) show(d *delivery) (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flags.count > 0 && r.n == r.flags.count {
		return false
	}
	r.n++
	d.Repeat = r.remember(d.ID)
	write := d.print
	if r.a.output == "json" {
		write = d.printLine
	}
	return write(r.a.stdout) != nil || r.n == r.flags.count
}

// remember tells whether id came before.
func (r *receiver) remember(id string) bool {
	if id == "" {
		return false
	}
	if r.seen[id] {
		r.repeats++
		return true
	}
	if len(r.seen) < seenIDs {
		r.seen[id] = true
	}
	return false
}

func (r *receiver) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}
