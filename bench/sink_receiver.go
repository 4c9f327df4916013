package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// countEach is the grain of what is waited for at a receiver.
const countEach = 10 * time.Millisecond

// sinkReceiver is one receiver of a sink process, with an address, a
// behaviour and counts of its own.
type sinkReceiver struct {
	process *sinkProcess
	name    string
	address string // host:port for deliveries
	scheme  string // "": http
}

// open adds a receiver to the process.
func (p *sinkProcess) open(ctx context.Context, name string, o sinkOptions) (*sinkReceiver, error) {
	keep := url.Values{}
	for key, wanted := range map[string]bool{"ids": o.ids, "times": o.times} {
		if wanted {
			keep.Set(key, "yes")
		}
	}
	r := &sinkReceiver{process: p, name: name}
	address, err := r.ask(ctx, http.MethodPost, "/open", keep)
	r.address = string(address)
	return r, err
}

// url is where endpoint i takes its deliveries.
func (r *sinkReceiver) url(i int) string {
	return fmt.Sprintf("%s://%s/e/%d", urlScheme(r.scheme), r.address, i)
}

func (r *sinkReceiver) ask(ctx context.Context, method, path string, with url.Values) ([]byte, error) {
	if with == nil {
		with = url.Values{}
	}
	with.Set("name", r.name)
	return r.process.ask(ctx, method, path+"?"+with.Encode())
}

func (r *sinkReceiver) get(ctx context.Context, path string, out any) error {
	text, err := r.ask(ctx, http.MethodGet, path, nil)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	return err
}

// behave changes how it answers, by a name of behaviours.
func (r *sinkReceiver) behave(ctx context.Context, as string) error {
	_, err := r.ask(ctx, http.MethodPost, "/behave", url.Values{"as": {as}})
	return err
}

// reset zeroes the counts; documents meant before latencyFrom are not timed.
func (r *sinkReceiver) reset(ctx context.Context, latencyFrom time.Time) error {
	with := url.Values{}
	if !latencyFrom.IsZero() {
		with.Set("latency_from", strconv.FormatInt(latencyFrom.UnixNano(), 10))
	}
	_, err := r.ask(ctx, http.MethodPost, "/reset", with)
	return err
}

func (r *sinkReceiver) counts(ctx context.Context) (c sinkCounts, err error) {
	err = r.get(ctx, "/count", &c)
	return c, err
}

func (r *sinkReceiver) stats(ctx context.Context) (s SinkStats, err error) {
	err = r.get(ctx, "/stats", &s)
	return s, err
}

// arrivals are the times of all deliveries, oldest first, by the receiver's clock.
func (r *sinkReceiver) arrivals(ctx context.Context) ([]time.Time, error) {
	var nanos []int64
	if err := r.get(ctx, "/arrivals", &nanos); err != nil {
		return nil, err
	}
	all := make([]time.Time, len(nanos))
	for i, n := range nanos {
		all[i] = time.Unix(0, n)
	}
	return all, nil
}

// arrived waits until n deliveries have come since the reset.
func (r *sinkReceiver) arrived(ctx context.Context, n uint64, limit time.Duration) error {
	return r.await(ctx, n, limit, func(c sinkCounts) uint64 { return c.Received })
}

// arrivedOnce waits until n distinct deliveries have come since the reset.
func (r *sinkReceiver) arrivedOnce(ctx context.Context, n uint64, limit time.Duration) error {
	return r.await(ctx, n, limit, func(c sinkCounts) uint64 { return c.Distinct })
}

func (r *sinkReceiver) await(ctx context.Context, n uint64, limit time.Duration, of func(sinkCounts) uint64) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var got uint64
	err := r.watch(within, func(c sinkCounts) bool {
		got = of(c)
		return got < n
	})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("bench: %d of %d deliveries had arrived %s after the last was published", got, n, limit)
	}
	return err
}

// watch tells the counts each 10 ms until more says no.
func (r *sinkReceiver) watch(ctx context.Context, more func(sinkCounts) bool) error {
	tick := time.NewTicker(countEach)
	defer tick.Stop()
	for {
		counts, err := r.counts(ctx)
		if err != nil {
			return err
		}
		if !more(counts) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// firstArrivalWithin bounds the wait for the first arrival.
const firstArrivalWithin = 10 * time.Second

// firstArrival waits until something arrived, where warming up begins. That
// nothing did, or why, is for measure to tell.
func (r *sinkReceiver) firstArrival(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstArrivalWithin)
	defer cancel()
	_ = r.watch(ctx, func(c sinkCounts) bool { return c.Received == 0 })
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
