package bench

import (
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

// sinkOptions say what a sink keeps beside its counts, at the cost of speed.
type sinkOptions struct {
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

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  bool
}

func newSink(o sinkOptions) (*sink, error) {
	v, err := signature.NewVerifier(benchScheme(), []string{Secret}, 0)
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
	for {
		if err := r.next(); err != nil {
			s.refuse(c, t, err)
			return
		}
		answer := okAnswer
		switch behaviour(s.behaviour.Load()) {
		case well:
			s.delivery(t, r)
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
	return stats
}
