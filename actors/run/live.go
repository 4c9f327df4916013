package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// liveCursor is the key of the cursor that all customers' live alerts share: up
// to it everything has been looked at. A customer's own stands where its last
// match was reported, which may be ahead of it.
const liveCursor = matching.AlertLive

// tail is how far live alerts have come; the adopter's mu guards it.
type tail struct {
	follows bool
	// to is the sequence up to which every customer's alerts were looked at;
	// ahead has those that have come further.
	to    uint64
	ahead map[string]uint64
}

func (t *tail) covered(customer string) uint64 { return max(t.to, t.ahead[customer]) }

// live looks at detections as they come.
type live struct {
	shared
	longest, quiet, keepEvery time.Duration // Options.Live, LiveQuiet and LiveKeep
	wake                      chan struct{} // alerts may have changed, or one be free to be adopted
}

func newLive(s shared, o *Options) *live {
	return &live{shared: s, longest: o.Live, quiet: o.LiveQuiet, keepEvery: o.LiveKeep, wake: make(chan struct{}, 1)}
}

// changed: alerts may have changed, or one be free to be adopted.
func (l *live) changed() { nudge(l.wake) }

// run looks at detections while there are live alerts.
func (l *live) run(ctx context.Context) error {
	for {
		if err := l.adopter.adoptFree(ctx); err != nil {
			return err
		}
		if len(l.alerts.live()) > 0 {
			if err := l.followLive(ctx); err != nil {
				return err
			}
		}
		l.troubles.note(partLive, nil)
		select {
		case <-l.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// followLive goes on where live alerts had come, until there are none.
func (l *live) followLive(ctx context.Context) error {
	if err := l.resumeLive(ctx); err != nil {
		return err
	}
	t := &tailing{live: l}
	from, err := l.beginTail(ctx, t)
	if err != nil {
		return err
	}
	defer l.endTail()
	l.troubles.note(partLive, nil)
	ctx, cancel := context.WithCancel(ctx)
	in, ended := make(chan []transport.RawDetection, 4), make(chan error, 1)
	var following sync.WaitGroup
	following.Go(func() {
		ended <- l.detections.FollowDetections(ctx, from, func(raws []transport.RawDetection) error {
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
func (l *live) resumeLive(ctx context.Context) error {
	l.adopter.mu.Lock()
	defer l.adopter.mu.Unlock()
	records, err := l.records.AllRuns(ctx)
	if err != nil {
		return err
	}
	for key := range l.adopter.open {
		if key.Type == matching.AlertLive {
			delete(l.adopter.open, key)
		}
	}
	var jobs []*job
	for _, run := range records {
		if run.State == transport.RunOpen && run.Type == matching.AlertLive {
			j := newJob(*run)
			if err := l.resume(ctx, j); err != nil {
				return err
			}
			l.adopter.open[run.Key()] = true
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	if _, err := known(ctx, l.store); err != nil {
		return err
	}
	if err := l.sweeper.sweep(ctx, l.detections.ReadDetections, jobs); err != nil {
		return err
	}
	return l.concludeLive(ctx, jobs)
}

// concludeLive concludes live runs that are marked as open; the adopter's mu is held.
func (l *live) concludeLive(ctx context.Context, jobs []*job) error {
	errs := l.writes.each(len(jobs), func(i int) error { return l.concluder.conclude(ctx, jobs[i]) })
	for i, j := range jobs {
		if errs[i] == nil {
			delete(l.adopter.open, j.run.Key())
		} else if !isConflict(errs[i]) {
			l.concluder.fail(ctx, j.run.Key(), &j.run, errs[i])
		}
	}
	return errors.Join(errs...)
}

// beginTail finds where to follow from.
func (l *live) beginTail(ctx context.Context, t *tailing) (from uint64, err error) {
	l.adopter.mu.Lock()
	defer l.adopter.mu.Unlock()
	last, err := l.detections.LastDetection(ctx)
	if err != nil {
		return 0, err
	}
	records, err := l.records.AllRuns(ctx)
	if err != nil {
		return 0, err
	}
	names, customers := []string{liveCursor}, l.alerts.live()
	for _, customer := range customers {
		names = append(names, transport.RunKey{Customer: customer, Type: matching.AlertLive}.String())
	}
	cursors, err := l.cursors.Read(ctx, names)
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
		to = min(to, l.liveFrom(customer, max(ahead[customer], min(cursors[0], last)), last))
	}
	t.kept = cursors[0]
	l.adopter.tail = tail{follows: true, to: to, ahead: ahead}
	return to + 1, nil
}

// liveFrom is the sequence up to which a customer's live alerts have nothing to
// look at, where they have come as far as covered.
func (l *live) liveFrom(customer string, covered, last uint64) uint64 {
	b := l.alerts.bounds(transport.RunKey{Customer: customer, Type: matching.AlertLive})
	least := b.catchUp // what comes before is a catch-up run's
	if b.plain > 0 && (b.catching == 0 || b.least < least) {
		least = b.least
	}
	return max(covered, min(least, last))
}

func (l *live) endTail() {
	l.adopter.mu.Lock()
	defer l.adopter.mu.Unlock()
	l.adopter.tail.follows = false
}
