package run

import (
	"context"
	"errors"
	"sync"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// liveCursor is the key of the cursor that all customers' live alerts share: up
// to it everything has been looked at. A customer's own stands where its last
// match was reported, which may be ahead of it.
const liveCursor = matching.AlertLive

// tail is how far live alerts have come; Runner.moving guards it.
type tail struct {
	follows bool
	// to is the sequence up to which every customer's alerts were looked at;
	// ahead has those that have come further.
	to    uint64
	ahead map[string]uint64
}

func (t *tail) covered(customer string) uint64 { return max(t.to, t.ahead[customer]) }

// runLive looks at detections as they come, while there are live alerts.
func (r *Runner) runLive(ctx context.Context) error {
	for {
		if err := r.adoptFree(ctx); err != nil {
			return err
		}
		if len(r.alerts.live()) > 0 {
			if err := r.followLive(ctx); err != nil {
				return err
			}
		}
		r.trouble("live alerts", nil)
		select {
		case <-r.lives:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// adoptFree adopts what can be, while no batch is in hand.
func (r *Runner) adoptFree(ctx context.Context) error {
	r.moving.Lock()
	defer r.moving.Unlock()
	return r.adoptAll(ctx)
}

// followLive goes on where live alerts had come, until there are none.
func (r *Runner) followLive(ctx context.Context) error {
	if err := r.resumeLive(ctx); err != nil {
		return err
	}
	t := &tailing{Runner: r}
	from, err := r.beginTail(ctx, t)
	if err != nil {
		return err
	}
	defer r.endTail()
	r.trouble("live alerts", nil)
	ctx, cancel := context.WithCancel(ctx)
	in, ended := make(chan []transport.RawDetection, 4), make(chan error, 1)
	var following sync.WaitGroup
	following.Go(func() {
		ended <- r.o.Detections.FollowDetections(ctx, from, func(raws []transport.RawDetection) error {
			select {
			case in <- raws:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	err = t.batches(ctx, in, ended)
	cancel()
	following.Wait()
	return err
}

// resumeLive finishes the live runs that were open when the node, or the last
// try, ended.
func (r *Runner) resumeLive(ctx context.Context) error {
	r.moving.Lock()
	defer r.moving.Unlock()
	records, err := r.o.Records.AllRuns(ctx)
	if err != nil {
		return err
	}
	for key := range r.open {
		if key.Type == matching.AlertLive {
			delete(r.open, key)
		}
	}
	var jobs []*job
	for _, run := range records {
		if run.State == transport.RunOpen && run.Type == matching.AlertLive {
			j := newJob(*run)
			if err := r.resume(ctx, j); err != nil {
				return err
			}
			r.open[run.Key()] = true
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	if _, err := r.waitAlerts(ctx); err != nil {
		return err
	}
	if err := r.sweep(ctx, r.o.Detections.ReadDetections, jobs); err != nil {
		return err
	}
	return r.concludeLive(ctx, jobs)
}

// concludeLive concludes live runs that are marked as open; moving is held.
func (r *Runner) concludeLive(ctx context.Context, jobs []*job) error {
	errs := r.each(len(jobs), func(i int) error { return r.conclude(ctx, jobs[i]) })
	for i, j := range jobs {
		if errs[i] == nil {
			delete(r.open, j.run.Key())
		} else if !isConflict(errs[i]) {
			r.fail(ctx, j.run.Key(), &j.run, errs[i])
		}
	}
	return errors.Join(errs...)
}

// beginTail finds where to follow from.
func (r *Runner) beginTail(ctx context.Context, t *tailing) (from uint64, err error) {
	r.moving.Lock()
	defer r.moving.Unlock()
	last, err := r.o.Detections.LastDetection(ctx)
	if err != nil {
		return 0, err
	}
	records, err := r.o.Records.AllRuns(ctx)
	if err != nil {
		return 0, err
	}
	names, customers := []string{liveCursor}, r.alerts.live()
	for _, customer := range customers {
		names = append(names, transport.RunKey{Customer: customer, Type: matching.AlertLive}.String())
	}
	cursors, err := r.o.Cursors.Read(ctx, names)
	if err != nil {
		return 0, err
	}
	ahead := map[string]uint64{}
	for _, run := range records {
		if run.Type == matching.AlertLive {
			ahead[run.Customer] = covered(matching.AlertLive, 0, last, run)
		}
	}
	to := last
	for i, customer := range customers {
		ahead[customer] = max(ahead[customer], min(cursors[i+1], last))
		to = min(to, r.liveFrom(customer, max(ahead[customer], min(cursors[0], last)), last))
	}
	t.kept = cursors[0]
	r.tail = tail{follows: true, to: to, ahead: ahead}
	return to + 1, nil
}

// liveFrom is the sequence up to which a customer's live alerts have nothing to
// look at, where they have come as far as covered.
func (r *Runner) liveFrom(customer string, covered, last uint64) uint64 {
	b := r.alerts.bounds(transport.RunKey{Customer: customer, Type: matching.AlertLive})
	least := b.catchUp // what comes before is a catch-up run's
	if b.plain > 0 && (b.catching == 0 || b.least < least) {
		least = b.least
	}
	return max(covered, min(least, last))
}

func (r *Runner) endTail() {
	r.moving.Lock()
	defer r.moving.Unlock()
	r.tail.follows = false
}
