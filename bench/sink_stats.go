package bench

import (
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// SinkStats is what the sink counted since its last reset.
type SinkStats struct {
	// At is the sink's clock, and Received the deliveries answered with 200.
	At       time.Time `json:"at"`
	Received uint64    `json:"received"`
	Bytes    uint64    `json:"bytes"`
	// Refused are requests it answered otherwise, or that broke off.
	Refused uint64 `json:"refused"`
	// Verified signatures, and BadSignatures among them.
	Verified      uint64 `json:"verified"`
	BadSignatures uint64 `json:"bad_signatures"`
	// Distinct pairs of path and webhook-id; 0 unless asked for.
	Distinct uint64 `json:"distinct"`
	// Connections is the most that were open at once.
	Connections int `json:"connections"`
	// CPU is the processor time of the sink's process since it began.
	CPU time.Duration `json:"cpu_ns"`
	// PerSecond are the arrivals in each second since the reset.
	PerSecond []uint64 `json:"per_second"`
	Latency   Latency  `json:"latency"`
}

// Latency is the time from intended publish to receipt, in nanoseconds, good
// to three digits.
type Latency struct {
	Count int64           `json:"count"`
	Mean  time.Duration   `json:"mean_ns"`
	P50   time.Duration   `json:"p50_ns"`
	P90   time.Duration   `json:"p90_ns"`
	P99   time.Duration   `json:"p99_ns"`
	P999  time.Duration   `json:"p999_ns"`
	Max   time.Duration   `json:"max_ns"`
	Curve []QuantilePoint `json:"curve,omitempty"`
}

// QuantilePoint says that Percent of all were as fast as Within.
type QuantilePoint struct {
	Percent float64       `json:"percent"`
	Within  time.Duration `json:"within_ns"`
}

const (
	maxLatency = 10 * time.Minute
	maxSeconds = 24 * 60 * 60
)

// tally counts for some of the connections; many tallies keep them from
// waiting for each other.
type tally struct {
	mu                       sync.Mutex
	received, bytes, refused uint64
	verified, badSignatures  uint64
	since                    time.Time
	latencyFrom              int64 // unix ns: documents meant earlier are not timed
	perSecond                []uint64
	latency                  *hdrhistogram.Histogram // in µs
	seen                     map[string]struct{}     // nil unless asked for
	keepTimes                bool
	times                    []int64 // of arrival, in unix ns; none unless asked for
}

func newTally(o sinkOptions) *tally {
	t := &tally{latency: hdrhistogram.New(1, maxLatency.Microseconds(), 3), keepTimes: o.times}
	if o.ids {
		t.seen = map[string]struct{}{}
	}
	t.reset(time.Now(), time.Time{})
	return t
}

func (t *tally) reset(now, latencyFrom time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received, t.bytes, t.refused, t.verified, t.badSignatures = 0, 0, 0, 0, 0
	t.since, t.latencyFrom = now, 0
	if !latencyFrom.IsZero() {
		t.latencyFrom = latencyFrom.UnixNano()
	}
	t.perSecond, t.times = t.perSecond[:0], t.times[:0]
	t.latency.Reset()
	clear(t.seen)
}

// delivery counts one request at its receipt.
func (t *tally) delivery(now time.Time, body []byte) {
	meant, timed := intended(body)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received++
	t.bytes += uint64(len(body))
	if t.keepTimes {
		t.times = append(t.times, now.UnixNano())
	}
	if second := int(now.Sub(t.since) / time.Second); second >= 0 && second < maxSeconds {
		for len(t.perSecond) <= second {
			t.perSecond = append(t.perSecond, 0)
		}
		t.perSecond[second]++
	}
	if timed && meant >= t.latencyFrom {
		micros := (now.UnixNano() - meant) / 1000
		_ = t.latency.RecordValue(min(max(micros, 1), maxLatency.Microseconds())) // in range
	}
}

func (t *tally) checked(ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verified++
	if !ok {
		t.badSignatures++
	}
}

func (t *tally) refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused++
}

func (t *tally) see(path, id []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[string(path)+" "+string(id)] = struct{}{}
}

// sinkCounts are deliveries so far: all, the distinct ones (0 unless they are
// kept), and requests that were refused or not answered.
type sinkCounts struct {
	Received uint64 `json:"received"`
	Distinct uint64 `json:"distinct"`
	Refused  uint64 `json:"refused"`
}

func (t *tally) countTo(c *sinkCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Received += t.received
	c.Distinct += uint64(len(t.seen))
	c.Refused += t.refused
}

func (t *tally) arrivals() []int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.times)
}

// addTo adds the tally to s, its latencies to all.
func (t *tally) addTo(s *SinkStats, all *hdrhistogram.Histogram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Received += t.received
	s.Bytes += t.bytes
	s.Refused += t.refused
	s.Verified += t.verified
	s.BadSignatures += t.badSignatures
	s.Distinct += uint64(len(t.seen))
	for second, n := range t.perSecond {
		for len(s.PerSecond) <= second {
			s.PerSecond = append(s.PerSecond, 0)
		}
		s.PerSecond[second] += n
	}
	all.Merge(t.latency)
}

func summary(h *hdrhistogram.Histogram) Latency {
	l := Latency{Count: h.TotalCount()}
	if l.Count == 0 {
		return l
	}
	at := func(percent float64) time.Duration {
		return time.Duration(h.ValueAtPercentile(percent)) * time.Microsecond
	}
	l.Mean = time.Duration(h.Mean() * float64(time.Microsecond))
	l.P50, l.P90, l.P99, l.P999 = at(50), at(90), at(99), at(99.9)
	l.Max = time.Duration(h.Max()) * time.Microsecond
	for _, p := range []float64{0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100} {
		l.Curve = append(l.Curve, QuantilePoint{p, at(p)})
	}
	return l
}
