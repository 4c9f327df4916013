package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

// RateResult tells how an endpoint's rate limit was kept, by the receiver's
// own clock.
type RateResult struct {
	Rate   float64 `json:"rate"`
	Burst  int     `json:"burst"`
	Events int     `json:"events"`
	// Took is from the first to the last arrival.
	Took time.Duration `json:"took_ns"`
	// AtOnce is the most, over all windows of time, that arrived beyond
	// rate × the window's length; it must not be over Burst.
	AtOnce float64 `json:"at_once"`
	// Share of the rate that was used from the burst to the end, and the least
	// of any 10 s; LongestGap between two arrivals.
	Share      float64       `json:"share"`
	LeastShare float64       `json:"least_share"`
	LongestGap time.Duration `json:"longest_gap_ns"`
	Repeated   uint64        `json:"repeated"`
	Arrivals   []uint64      `json:"arrivals"`
}

// shareOver is the window of LeastShare.
const shareOver = 10 * time.Second

func (o RecoveryOptions) rate(ctx context.Context, result *RateResult) error {
	c := Case{FanOut: 1, Endpoints: 1, Synced: o.Synced, kind: load}
	return o.with(ctx, c, nil, func(ctx context.Context, p *programRun) error {
		limited, err := p.sink.open(ctx, "limited", sinkOptions{ids: true, times: true})
		if err != nil {
			return err
		}
		c := Case{FanOut: 1, Endpoints: 1, kind: "limited"}
		e := c.endpoint(0, limited.url(0))
		e.Delivery.Rate, e.Delivery.Burst = o.Rate, o.Burst
		if err := p.program.AddEndpoint(ctx, e); err != nil {
			return err
		}
		many := &producer{node: p.program, c: c, ids: true}
		if err := many.exactly(ctx, o.Events); err != nil {
			return err
		}
		if err := limited.arrivedOnce(ctx, uint64(o.Events), o.Patience); err != nil {
			return err
		}
		if _, err := p.audit(ctx); err != nil {
			return err
		}
		return result.judge(ctx, limited)
	})
}

func (r *RateResult) judge(ctx context.Context, limited *sinkReceiver) error {
	times, err := limited.arrivals(ctx)
	if err != nil {
		return err
	}
	stats, err := limited.stats(ctx)
	if err != nil {
		return err
	}
	r.Arrivals, r.Repeated = stats.PerSecond, stats.Received-stats.Distinct
	r.Took = times[len(times)-1].Sub(times[0])
	r.AtOnce, r.LongestGap = atOnce(times, r.Rate), longestGap(times)
	r.Share = share(len(times)-r.Burst, r.Took, r.Rate)
	r.LeastShare = leastShare(times[r.Burst:], r.Rate, min(shareOver, r.Took/2))
	if r.AtOnce > float64(r.Burst)+1e-6 {
		return fmt.Errorf("the receiver saw %.2f at once beyond %g a second; the burst is %d", r.AtOnce, r.Rate, r.Burst)
	}
	return nil
}

// atOnce is the most that arrived within any window beyond rate × its length.
func atOnce(times []time.Time, rate float64) (most float64) {
	var least float64
	for i, t := range times {
		beyond := float64(i) - rate*t.Sub(times[0]).Seconds()
		if i == 0 || beyond < least {
			least = beyond
		}
		most = max(most, beyond-least+1)
	}
	return most
}

func longestGap(times []time.Time) (longest time.Duration) {
	for i := 1; i < len(times); i++ {
		longest = max(longest, times[i].Sub(times[i-1]))
	}
	return longest
}

func share(n int, within time.Duration, rate float64) float64 {
	if within <= 0 {
		return 0
	}
	return float64(n) / (rate * within.Seconds())
}

// leastShare is the least share of the rate in any window of that length that
// begins with an arrival and ends with the last at most; 1 where there is none.
func leastShare(times []time.Time, rate float64, window time.Duration) float64 {
	least, end := 1.0, 0
	for i, from := range times {
		to := from.Add(window)
		if window <= 0 || to.After(times[len(times)-1]) {
			break
		}
		for times[end].Before(to) {
			end++
		}
		least = min(least, share(end-i, window, rate))
	}
	return least
}

func (r *RateResult) print(w io.Writer) {
	if r.Took == 0 {
		return
	}
	printLine(w, fmt.Sprintf("Recovery/case=rate/rate=%g/burst=%d", r.Rate, r.Burst), uint64(r.Events),
		figure{"deliveries/s", float64(r.Events) / r.Took.Seconds()},
		figure{"of-burst", r.AtOnce / float64(r.Burst)}, figure{"of-rate", r.Share}, figure{"least-of-rate", r.LeastShare})
	fmt.Fprintf(w, "\nrate %g/s, burst %d, %d events at once: within %s; at most %.2f beyond the rate in any window; %.1f %% of the rate used, %.1f %% in the slowest %s; longest gap %s\n",
		r.Rate, r.Burst, r.Events, r.Took.Round(time.Millisecond), r.AtOnce, 100*r.Share, 100*r.LeastShare, min(shareOver, r.Took/2).Round(time.Millisecond), r.LongestGap.Round(time.Millisecond))
}
