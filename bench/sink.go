package bench

import (
	"crypto/tls"
	"errors"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"slices"
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

// sinkOptions say how a sink is reached and answers, and what it keeps beside
// its counts, at the cost of speed.
type sinkOptions struct {
	tls    *tls.Config   // nil: plain HTTP
	h2     bool          // HTTP/2, with tls
	delay  time.Duration // before each answer, as if it were far away
	format string        // whose signature is verified; "": raw

	verifyEach uint64 // verify the signature of one in so many; 0 none
	ids        bool   // every webhook-id, to count distinct ones
	times      bool   // when each delivery arrived
}

// sink is the lean receiver: while it is well it answers each POST with an
// empty 200 and counts.
type sink struct {
	sinkOptions
	behaviour atomic.Int32
	verifier  *signature.Verifier
	tallies   [tallies]*tally
	seed      maphash.Seed
	arrived   atomic.Uint64 // chooses what is verified
	served    atomic.Uint64 // chooses the tally, by HTTP/2

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	peak  int // of conns, since the last reset
	done  bool
}

func newSink(o sinkOptions) (*sink, error) {
	v, err := formOf(o.format).verifier()
	if err != nil {
		return nil, err
	}
	s := &sink{sinkOptions: o, verifier: v, seed: maphash.MakeSeed(), conns: map[net.Conn]struct{}{}}
	for i := range s.tallies {
		s.tallies[i] = newTally(o)
	}
	return s, nil
}

// serve accepts until the listener is closed.
func (s *sink) serve(l net.Listener) error {
	switch {
	case s.h2:
		return s.serveH2(l)
	case s.tls != nil:
		l = tls.NewListener(l, s.tls)
	}
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
		s.peak = max(s.peak, len(s.conns))
	}
	return !s.done
}

func (s *sink) leave(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	_, entered := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if entered {
		s.wg.Done()
	}
}

// close ends all connections, lets no more in, and waits for their goroutines.
func (s *sink) close() {
	s.mu.Lock()
	s.done = true
	s.mu.Unlock()
	s.hangUp()
}

// hangUp ends all connections and waits for their goroutines; none may come in
// meanwhile.
func (s *sink) hangUp() {
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

var (
	okAnswer   = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	failAnswer = []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
)

func (s *sink) connection(c net.Conn, t *tally) {
	defer s.leave(c)
	r := newRequestReader(c)
	signed := formOf(s.format).header
	r.signatureHeader = signed
	for {
		if err := r.next(); err != nil {
			s.refuse(c, t, err)
			return
		}
		answer := okAnswer
		switch behaviour(s.behaviour.Load()) {
		case well:
			now := time.Now()
			s.delivery(t, now, r.path, r.id, r.body)
			if s.verifies() {
				h := http.Header{signed: {string(r.signature)}, "Webhook-Id": {string(r.id)}, "Webhook-Timestamp": {string(r.timestamp)}}
				t.checked(s.verifier.Verify(h, r.body, now) == nil)
			}
			if s.delay > 0 {
				time.Sleep(s.delay) // the goroutine's, not a thread's
			}
		case hanging:
			t.refuse()
			_, _ = io.Copy(io.Discard, c) // until the peer hangs up
			return
		default:
			t.refuse()
			answer = failAnswer
		}
		if _, err := c.Write(answer); err != nil || r.last {
			return
		}
	}
}

func (s *sink) delivery(t *tally, now time.Time, path, id, body []byte) {
	t.delivery(now, body)
	if s.ids {
		s.tallies[maphash.Bytes(s.seed, id)%tallies].see(path, id)
	}
}

// verifies tells whether the next signature is to be verified.
func (s *sink) verifies() bool {
	return s.verifyEach > 0 && s.arrived.Add(1)%s.verifyEach == 0
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak = len(s.conns)
}

func (s *sink) counts() (c sinkCounts) {
	for _, t := range s.tallies {
		t.countTo(&c)
	}
	return c
}

// arrivals are when deliveries arrived, in unix nanoseconds, oldest first.
func (s *sink) arrivals() []int64 {
	all := []int64{}
	for _, t := range s.tallies {
		all = append(all, t.arrivals()...)
	}
	slices.Sort(all)
	return all
}

func (s *sink) stats() SinkStats {
	stats := SinkStats{At: time.Now(), CPU: cpuTime()}
	all := hdrhistogram.New(1, maxLatency.Microseconds(), 3)
	for _, t := range s.tallies {
		t.addTo(&stats, all)
	}
	stats.Latency = summary(all)
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.Connections = s.peak
	return stats
}
