package bench

import (
	"errors"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/postrider/postrider/transport/signature"
)

// signatureHeader is where the scheme genlogs has its HMAC-SHA512.
const signatureHeader = "X-Genlogs-Signature"

// benchScheme is the scheme every delivery of the bench is signed with.
func benchScheme() signature.Config { return signature.Config{Scheme: "genlogs"} }

const tallies = 8

// sink is the lean receiver: it answers each POST with an empty 200 and counts.
type sink struct {
	verifyEach uint64 // verify the signature of one in so many; 0 none
	verifier   *signature.Verifier
	ids        bool
	tallies    [tallies]*tally
	seed       maphash.Seed
	arrived    atomic.Uint64 // chooses what is verified

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  bool
}

func newSink(verifyEach uint64, ids bool) (*sink, error) {
	v, err := signature.NewVerifier(benchScheme(), []string{Secret}, 0)
	if err != nil {
		return nil, err
	}
	s := &sink{verifyEach: verifyEach, verifier: v, ids: ids, seed: maphash.MakeSeed(), conns: map[net.Conn]struct{}{}}
	for i := range s.tallies {
		s.tallies[i] = newTally(ids)
	}
	return s, nil
}

// serve accepts until the listener is closed.
func (s *sink) serve(l net.Listener) error {
	for n := 0; ; n++ {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.enter(c) {
			_ = c.Close()
			return nil
		}
		go s.connection(c, s.tallies[n%tallies])
	}
}

func (s *sink) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		s.conns[c] = struct{}{}
		s.wg.Add(1)
	}
	return !s.done
}

func (s *sink) leave(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.wg.Done()
}

// close ends all connections and waits for their goroutines.
func (s *sink) close() {
	s.mu.Lock()
	s.done = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

var okAnswer = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

func (s *sink) connection(c net.Conn, t *tally) {
	defer s.leave(c)
	r := newRequestReader(c)
	for {
		if err := r.next(); err != nil {
			s.refuse(c, t, err)
			return
		}
		s.delivery(t, r)
		if _, err := c.Write(okAnswer); err != nil || r.last {
			return
		}
	}
}

func (s *sink) delivery(t *tally, r *requestReader) {
	now := time.Now()
	t.delivery(now, r.body)
	if s.ids {
		s.tallies[maphash.Bytes(s.seed, r.id)%tallies].see(r.path, r.id)
	}
	if s.verifyEach > 0 && s.arrived.Add(1)%s.verifyEach == 0 {
		h := http.Header{signatureHeader: {string(r.signature)}}
		t.checked(s.verifier.Verify(h, r.body, now) == nil)
	}
}

func (s *sink) refuse(c net.Conn, t *tally, err error) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		t.refuse()
		_, _ = io.WriteString(c, "HTTP/1.1 "+refused.Error()+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		t.refuse()
	}
}

func (s *sink) reset(latencyFrom time.Time) {
	now := time.Now()
	for _, t := range s.tallies {
		t.reset(now, latencyFrom)
	}
}

func (s *sink) received() (n uint64) {
	for _, t := range s.tallies {
		n += t.count()
	}
	return n
}

func (s *sink) stats() SinkStats {
	stats := SinkStats{At: time.Now(), CPU: cpuTime()}
	all := hdrhistogram.New(1, maxLatency.Microseconds(), 3)
	for _, t := range s.tallies {
		t.addTo(&stats, all)
	}
	stats.Latency = summary(all)
	return stats
}

// control is the handler of the sink's second port: POST /reset, optionally
// with latency_from in unix nanoseconds, GET /count, GET /stats.
func (s *sink) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, r *http.Request) {
		var from time.Time
		if text := r.FormValue("latency_from"); text != "" {
			nanos, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				http.Error(w, "latency_from: must be unix nanoseconds, in digits", http.StatusBadRequest)
				return
			}
			from = time.Unix(0, nanos)
		}
		s.reset(from)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strconv.FormatUint(s.received(), 10))
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.stats()) })
	return mux
}
