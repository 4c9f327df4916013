package replay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Records keep what a replay must know after a restart, by key (words of
// letters, digits and -, with dots between). What is not there is
// transport.ErrNotFound.
type Records interface {
	Keep(ctx context.Context, key string, data []byte) error
	Kept(ctx context.Context, key string) ([]byte, error)
	Keys(ctx context.Context) ([]string, error)
	Drop(ctx context.Context, key string) error
}

// Deliveries is the delivery log.
type Deliveries interface {
	List(ctx context.Context, f transport.DeliveryFilter) (*transport.DeliveryPage, error)
	// State gives how far a delivery has come; transport.ErrNotFound where the
	// log has none.
	State(p transport.Pair) (transport.DeliveryState, error)
}

// Events are the log of events and the dead letters. What is no longer kept is
// transport.ErrNotFound.
type Events interface {
	Event(ctx context.Context, seq uint64) (*transport.Event, error)
	// EventsOf calls each for a customer's events from one sequence to another,
	// both included, in order, until each is false.
	EventsOf(ctx context.Context, customer string, from, to uint64, each func(*transport.Event) (more bool)) error
	// EventAt is the first sequence stored at t or later; one beyond the last
	// where there is none.
	EventAt(ctx context.Context, t time.Time) (uint64, error)
	DeadLetter(ctx context.Context, id uint64) (*transport.DeadLetter, error)
	DeadLetters(ctx context.Context, f transport.LetterFilter) (page []transport.DeadLetter, next uint64, err error)
}

// Parker puts pairs into DEFERRED and tells which lie there.
type Parker interface {
	Park(customer, endpoint string, e transport.Entry, w transport.Waiter)
	List(ctx context.Context, endpoint string) ([]transport.ParkedPair, error)
}

// Registry knows the endpoints.
type Registry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	// WaitApplied returns nil once a revision is in effect.
	WaitApplied(ctx context.Context, revision uint64) error
}

// Options are what Replays stand on.
type Options struct {
	Records    Records
	Deliveries Deliveries
	Events     Events
	Parker     Parker
	Registry   Registry
	// Routed is the highest event that the shard has given to the endpoints
	// that want it.
	Routed func() uint64
	// Rate is deliveries a second of a replay that asks for none; 0: 100.
	Rate   float64
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	// mostJobs bounds the replays that are not over, mostRunning those that
	// work at the same time; the rest wait.
	mostJobs    = 100
	mostRunning = 4
	// keepJobs is how long one that is over is shown, mostKept how many.
	keepJobs = 7 * 24 * time.Hour
	mostKept = 1000
	// usualRate is deliveries a second.
	usualRate = 100
)

// Replays are the replays of a node.
type Replays struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	places chan struct{}
	work   sync.WaitGroup

	mu     sync.Mutex
	jobs   map[string]*job
	number uint64 // the last one given
	closed bool
}

// Open reads the replays there are and goes on with those that are not over.
func Open(ctx context.Context, o Options) (*Replays, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rate == 0 {
		o.Rate = usualRate
	}
	r := &Replays{o: o, places: make(chan struct{}, mostRunning), jobs: map[string]*job{}}
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("reading replays: %w", err)
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, j := range r.jobs {
		if !j.rec.Final() {
			r.start(j)
		}
	}
	return r, nil
}

// Close stops where each replay stands; the next Open goes on there.
func (r *Replays) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.work.Wait()
}

// Count tells how many deliveries a wish would replay now. Errors are as of Start.
func (r *Replays) Count(ctx context.Context, w transport.ReplayWish) (uint64, error) {
	items, err := r.plan(ctx, &w)
	return uint64(len(items)), err
}

// Start notes what w chooses and begins to replay it. A wrong wish, or one for
// over transport.MaxReplay, is a *transport.FieldError; transport.ErrUnavailable
// is passed on.
func (r *Replays) Start(ctx context.Context, w transport.ReplayWish) (*transport.ReplayJob, error) {
	items, err := r.plan(ctx, &w)
	if err != nil {
		return nil, err
	}
	j, err := r.newJob(w)
	if err != nil {
		return nil, err
	}
	j.rec.Total = uint64(len(items))
	if err := r.keepPlan(ctx, j.rec.ID, items); err != nil {
		return nil, err
	}
	return r.enter(ctx, j)
}

// Past notes a replay for an endpoint that is about to be created and wants the
// events since from, too. It is noted first, so that a crash in between cannot
// lose it: Begin starts it once the endpoint is stored, Cancel drops it.
func (r *Replays) Past(ctx context.Context, ep *transport.Endpoint, from time.Time) (id string, err error) {
	first, err := r.o.Events.EventAt(ctx, from)
	if err != nil {
		return "", err
	}
	j, err := r.newJob(transport.ReplayWish{Source: transport.ReplayPast, Customer: ep.Customer, Endpoint: ep.ID, From: from})
	if err != nil {
		return "", err
	}
	j.rec.First, j.rec.Cursor, j.rec.Intent = first, first, first
	j.rec.Detail = "waits for its endpoint to be in effect"
	_, err = r.enter(ctx, j)
	return j.rec.ID, err
}

// Begin starts what Past noted: revision is the registry's that has the endpoint.
func (r *Replays) Begin(id string, revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j := r.jobs[id]; j != nil {
		j.begin.Do(func() {
			j.revision = revision
			close(j.begun)
		})
	}
}

// newJob makes a job with an id and a replay number of its own.
func (r *Replays) newJob(w transport.ReplayWish) (*job, error) {
	if err := w.CheckRate(); err != nil {
		return nil, err
	}
	if w.Rate == 0 {
		w.Rate = r.o.Rate
	}
	now := r.o.Now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	going := 0
	for _, j := range r.jobs {
		if !j.rec.Final() {
			going++
		}
	}
	if going >= mostJobs {
		return nil, fmt.Errorf("%d replays are not over yet; wait for one, or cancel one: %w", mostJobs, transport.ErrUnavailable)
	}
	r.number = max(r.number+1, uint64(now.UnixNano()))
	rec := record{ReplayJob: transport.ReplayJob{ID: fmt.Sprintf("r-%d", r.number), Number: r.number, ReplayWish: w,
		State: transport.ReplayRunning, CreatedAt: now, UpdatedAt: now}}
	j := newJobOf(r)
	j.rec = rec
	return j, nil
}

// enter makes a job durable and known, and starts it.
func (r *Replays) enter(ctx context.Context, j *job) (*transport.ReplayJob, error) {
	if err := r.keepRecord(ctx, &j.rec); err != nil {
		return nil, err
	}
	shown := j.rec.ReplayJob
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("the node stops: %w", transport.ErrUnavailable)
	}
	r.jobs[j.rec.ID] = j
	r.start(j)
	return &shown, nil
}

// start runs a job until it is over or Close.
func (r *Replays) start(j *job) {
	r.work.Go(func() {
		defer close(j.done)
		j.run(r.ctx)
	})
}

// Jobs lists a customer's replays ("": all), the newest first.
func (r *Replays) Jobs(customer string) []transport.ReplayJob {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []transport.ReplayJob
	for _, j := range r.jobs {
		if customer == "" || j.rec.Customer == customer {
			list = append(list, j.rec.ReplayJob)
		}
	}
	slices.SortFunc(list, func(a, b transport.ReplayJob) int { return -strings.Compare(a.ID, b.ID) })
	return list
}

// Job gives one replay; transport.ErrNotFound where there is none.
func (r *Replays) Job(id string) (*transport.ReplayJob, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j, there := r.jobs[id]
	if !there {
		return nil, fmt.Errorf("replay %s: %w", id, transport.ErrNotFound)
	}
	shown := j.rec.ReplayJob
	return &shown, nil
}

// Cancel ends a replay where it stands and returns when it has ended; what was
// given to delivery before stays there. One that is over stays as it is.
func (r *Replays) Cancel(ctx context.Context, id string) (*transport.ReplayJob, error) {
	r.mu.Lock()
	j, there := r.jobs[id]
	if there && !j.rec.Final() {
		j.stop.Do(func() { close(j.cancelled) })
	}
	r.mu.Unlock()
	if !there {
		return nil, fmt.Errorf("replay %s: %w", id, transport.ErrNotFound)
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("cancelling replay %s: %w", id, ctx.Err())
	}
	return r.Job(id)
}
