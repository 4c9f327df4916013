package main

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// What becomes of an endpoint is told to its customer, by the events that an
// endpoint may subscribe to and by mail.
func TestACustomerIsToldOfFailingAndRecovered(t *testing.T) {
	t.Parallel()
	office, settings := newPostOffice(t)
	n := newTestNode(t, append(settings, "POSTRIDER_BREAKER_WAIT=1s")...)
	n.start()
	var well atomic.Bool
	w := newWitness(t, func(path, _ string, _ int) int {
		if path == "/ill" && !well.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	ill := n.addEndpoint(w.url+"/ill", "door.>", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s")
	n.addEndpoint(w.url+"/ops", "ops.>")
	n.must("", "customer", "edit", "acme", "--email", "boss@example.com")
	n.publishMany("events.acme.door.opened", 5)

	told := func(what string) func() bool {
		return func() bool {
			news := w.arrived("/ops ops-" + ill + "-" + what)
			mailed := slices.ContainsFunc(office.got("boss@example.com"), func(mail string) bool { return strings.Contains(strings.ToLower(mail), what) })
			return news && mailed
		}
	}
	n.await("the customer to be told that it fails", told("failing"))
	well.Store(true)
	n.await("the customer to be told that it recovered", told("recovered"))
	if out := n.must("", "audit"); !strings.Contains(out, "adds up") {
		t.Error(out)
	}
	n.terminate()
}

// arrived tells whether a pair whose path and id begin like that was accepted.
func (w *witness) arrived(begins string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.arrivals {
		if strings.HasPrefix(key, begins) {
			return true
		}
	}
	return false
}
