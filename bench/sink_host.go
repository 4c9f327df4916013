package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// behaviour is how a receiver answers.
type behaviour int32

const (
	well    behaviour = iota // 200 at once
	failing                  // 500 at once
	hanging                  // no answer, until the peer hangs up
	down                     // connections break and are refused
)

// behaviours by the names that the control port takes.
var behaviours = map[string]behaviour{"well": well, "failing": failing, "hanging": hanging, "down": down}

// receiver is a sink on an address of its own.
type receiver struct {
	*sink
	address string

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	served   chan error
}

// host holds the receivers of a sink process, by name; the first has none.
type host struct {
	mu        sync.Mutex
	receivers map[string]*receiver
	broken    chan error // of the first receiver that cannot go on
}

// open adds a receiver, and fails where there is one of that name.
func (h *host) open(name string, o sinkOptions) (*receiver, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.receivers[name] != nil {
		return nil, fmt.Errorf("sink: there is a receiver %q", name)
	}
	s, err := newSink(o)
	if err != nil {
		return nil, err
	}
	r := &receiver{sink: s, address: "127.0.0.1:0"}
	if err := r.behave(h, well); err != nil {
		return nil, err
	}
	h.receivers[name] = r
	return r, nil
}

// behave changes how the receiver answers from now on. One that goes down
// breaks every connection, and comes back on the same address.
func (r *receiver) behave(h *host, as behaviour) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behaviour.Store(int32(as))
	switch {
	case as == down:
		return r.stop()
	case r.listener == nil:
		return r.listen(h)
	}
	return nil
}

// listenAgain is how long an address that was given up may be in use: an
// attempt to connect to it may hold it for a moment.
const listenAgain = 5 * time.Second

func (r *receiver) listen(h *host) error {
	l, err := net.Listen("tcp", r.address)
	for until := time.Now().Add(listenAgain); err != nil && time.Now().Before(until); {
		time.Sleep(countEach)
		l, err = net.Listen("tcp", r.address)
	}
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	r.listener, r.address, r.served = l, l.Addr().String(), make(chan error, 1)
	go func() {
		err := r.serve(l)
		if err != nil {
			select {
			case h.broken <- err:
			default:
			}
		}
		r.served <- err
	}()
	return nil
}

func (r *receiver) stop() error {
	if r.listener == nil {
		return nil
	}
	_ = r.listener.Close()
	err := <-r.served
	r.listener = nil
	r.hangUp()
	return err
}

func (h *host) close() (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.receivers {
		r.mu.Lock()
		err = errors.Join(err, r.stop())
		r.mu.Unlock()
		r.close()
	}
	return err
}

// control is the handler of the process's second port. All but open take the
// receiver's name, which the first has not: POST /open (ids, times: what to
// keep) answers its address; POST /behave (as); POST /reset, optionally with
// latency_from in unix nanoseconds; GET /count, /stats, /arrivals.
func (h *host) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /open", func(w http.ResponseWriter, r *http.Request) {
		made, err := h.open(r.FormValue("name"), sinkOptions{ids: r.FormValue("ids") != "", times: r.FormValue("times") != ""})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, made.address)
	})
	mux.HandleFunc("POST /behave", h.with(func(to *receiver, w http.ResponseWriter, r *http.Request) {
		as, known := behaviours[r.FormValue("as")]
		if !known {
			http.Error(w, "as: must be well, failing, hanging or down", http.StatusBadRequest)
			return
		}
		if err := to.behave(h, as); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	mux.HandleFunc("POST /reset", h.with(reset))
	mux.HandleFunc("GET /count", h.with(func(of *receiver, w http.ResponseWriter, _ *http.Request) { writeJSON(w, of.counts()) }))
	mux.HandleFunc("GET /stats", h.with(func(of *receiver, w http.ResponseWriter, _ *http.Request) { writeJSON(w, of.stats()) }))
	mux.HandleFunc("GET /arrivals", h.with(func(of *receiver, w http.ResponseWriter, _ *http.Request) { writeJSON(w, of.arrivals()) }))
	return mux
}

func reset(of *receiver, w http.ResponseWriter, r *http.Request) {
	var from time.Time
	if text := r.FormValue("latency_from"); text != "" {
		nanos, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			http.Error(w, "latency_from: must be unix nanoseconds, in digits", http.StatusBadRequest)
			return
		}
		from = time.Unix(0, nanos)
	}
	of.reset(from)
}

// with finds the receiver that a request names.
func (h *host) with(do func(*receiver, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		named := h.receivers[r.FormValue("name")]
		h.mu.Unlock()
		if named == nil {
			http.Error(w, "name: there is no such receiver", http.StatusNotFound)
			return
		}
		do(named, w, r)
	}
}
