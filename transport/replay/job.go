package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

const (
	// mostStep bounds the deliveries of a step, stepsASecond its length at the
	// rate that was asked for, stepBytes the documents that it holds.
	mostStep     = 256
	stepsASecond = 4
	stepBytes    = 16 << 20
	// logLag is more than the delivery log may be behind the journal.
	logLag = 3 * time.Second
	// mostFaults is how often in a row a step may fail, NATS being there.
	mostFaults  = 20
	firstPause  = time.Second
	mostPause   = 30 * time.Second
	finishTime  = 10 * time.Second
	routedEvery = 100 * time.Millisecond
)

var (
	errStopped   = errors.New("the node stops")
	errCancelled = errors.New("cancelled")
)

// job is one replay at work. Its record is changed by its own goroutine alone,
// under the lock of Replays.
type job struct {
	replays   *Replays
	rec       record
	cancelled chan struct{}
	stop      sync.Once
	begun     chan struct{} // of ReplayPast: its endpoint is stored
	begin     sync.Once
	revision  uint64
	done      chan struct{}

	source source
	doubt  doubt
	next   time.Time // when the next step may begin
	again  bool      // read from the records: begun before a restart
}

func newJobOf(r *Replays) *job {
	return &job{replays: r, cancelled: make(chan struct{}), begun: make(chan struct{}), done: make(chan struct{})}
}

// source gives what is to be replayed, from a place on.
type source interface {
	// gather finds up to so many deliveries from a place on, and the place
	// after what it looked at: the same place where there is no more.
	gather(ctx context.Context, from uint64, most int) (*found, error)
}

// found is what a source looked at.
type found struct {
	units         []unit
	next          uint64
	gone, skipped uint64
	bytes         int
}

// unit is one delivery to make again.
type unit struct {
	customer, endpoint string
	event              *transport.Event
}

// run works until the replay is over, or ctx ends: then it stays as it stands.
func (j *job) run(ctx context.Context) {
	err := j.work(ctx)
	switch {
	case errors.Is(err, errStopped):
	case errors.Is(err, errCancelled):
		j.finish(ctx, transport.ReplayCancelled, "")
	case err != nil:
		j.replays.o.Logger.Error("a replay failed", "replay", j.rec.ID, "error", err)
		j.finish(ctx, transport.ReplayFailed, err.Error())
	default:
		j.finish(ctx, transport.ReplayDone, "")
	}
}

func (j *job) work(ctx context.Context) error {
	if err := j.prepare(ctx); err != nil {
		return err
	}
	select {
	case j.replays.places <- struct{}{}:
		defer func() { <-j.replays.places }()
	case <-j.cancelled:
		return errCancelled
	case <-ctx.Done():
		return errStopped
	}
	if err := j.clearDoubt(ctx); err != nil {
		return err
	}
	for {
		over, err := j.persist(ctx, j.step)
		if over || err != nil {
			return err
		}
	}
}

// persist repeats do with growing pauses until it succeeds, or fails for good.
func (j *job) persist(ctx context.Context, do func(context.Context) (bool, error)) (over bool, err error) {
	pause := firstPause
	for faults := 0; ; {
		over, err = do(ctx)
		switch {
		case err == nil, errors.Is(err, errCancelled), errors.Is(err, errStopped), errors.Is(err, errPlan):
			return over, err
		case ctx.Err() != nil:
			return false, errStopped
		}
		if !errors.Is(err, transport.ErrUnavailable) {
			if faults++; faults == mostFaults {
				return false, err
			}
		}
		j.update(func(rec *record) { rec.Detail = "waits: " + err.Error() })
		if err := j.sleep(ctx, pause); err != nil {
			return false, err
		}
		pause = min(2*pause, mostPause)
	}
}

// sleep waits, unless the replay is cancelled or the node stops first.
func (j *job) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-j.cancelled:
		return errCancelled
	case <-ctx.Done():
		return errStopped
	}
}

// step replays the next few. It notes how far it will go before it parks
// anything.
func (j *job) step(ctx context.Context) (over bool, err error) {
	if err := j.sleep(ctx, j.next.Sub(j.replays.o.Now())); err != nil {
		return false, err
	}
	most := max(1, min(mostStep, int(j.rec.Rate/stepsASecond)))
	f, err := j.source.gather(ctx, j.rec.Cursor, most)
	if err != nil || f.next == j.rec.Cursor {
		return err == nil, err
	}
	intended := j.rec
	intended.Intent = max(intended.Intent, f.next)
	if err := j.replays.keepRecord(ctx, &intended); err != nil {
		return false, err
	}
	now := j.replays.o.Now()
	if j.next.Before(now) {
		j.next = now
	}
	j.next = j.next.Add(time.Duration(float64(len(f.units)) / j.rec.Rate * float64(time.Second)))
	err = j.park(ctx, f.units, now)
	if errors.Is(err, errStopped) {
		return false, err
	}
	j.update(func(rec *record) {
		rec.Done += f.next - rec.Cursor
		rec.Cursor, rec.Intent, rec.Detail = f.next, intended.Intent, ""
		rec.Replayed += uint64(len(f.units))
		rec.Gone += f.gone
		rec.Skipped += f.skipped
	})
	return false, err
}

// park gives units to DEFERRED, due now, and waits until they are there. Those
// that a step before a crash parked are there.
func (j *job) park(ctx context.Context, units []unit, now time.Time) error {
	parked := &countdown{all: make(chan struct{}), left: 1}
	for i := range units {
		u := &units[i]
		if j.doubt.has(u, j.rec.Number) {
			continue
		}
		parked.add()
		j.replays.o.Parker.Park(u.customer, u.endpoint,
			transport.Entry{Event: u.event, Replay: j.rec.Number, Hop: 1, Due: now}, parked)
	}
	parked.Done()
	select {
	case <-parked.all:
		return nil
	case <-j.cancelled: // they are on their way all the same
		return errCancelled
	case <-ctx.Done():
		return errStopped
	}
}

// countdown is done when each of those it counts is.
type countdown struct {
	mu   sync.Mutex
	left int
	all  chan struct{}
}

func (c *countdown) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left++
}

// Done counts one.
func (c *countdown) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.all)
	}
}

// update changes what others see of the job.
func (j *job) update(change func(*record)) {
	j.replays.mu.Lock()
	defer j.replays.mu.Unlock()
	change(&j.rec)
	j.rec.UpdatedAt = j.replays.o.Now().UTC()
}

// finish notes the end. Where that cannot be stored, the next start of the node
// finds the job at its last step and ends it then.
func (j *job) finish(ctx context.Context, state, detail string) {
	j.update(func(rec *record) {
		rec.State, rec.Detail = state, detail
		rec.FinishedAt = j.replays.o.Now().UTC()
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	err := j.replays.keepRecord(ctx, &j.rec)
	for part := uint64(0); err == nil && part*planPart < j.rec.Total && j.rec.Source != transport.ReplayPast; part++ {
		err = j.replays.o.Records.Drop(ctx, planKey(j.rec.ID, part))
	}
	if err == nil {
		err = j.replays.forget(ctx)
	}
	if err != nil {
		j.replays.o.Logger.Warn("a replay's end was not stored; the next start ends it again", "replay", j.rec.ID, "error", err)
	}
}
