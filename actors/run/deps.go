package run

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Detections is the log of detections.
type Detections interface {
	// LastDetection is the sequence of the last one that was ever stored.
	LastDetection(ctx context.Context) (uint64, error)
	// ReadDetections gives what is kept from sequence from to to, in order, in
	// chunks that take may keep; an error of take ends it.
	ReadDetections(ctx context.Context, from, to uint64, take func([]transport.RawDetection) error) error
	// FollowDetections does so without an end.
	FollowDetections(ctx context.Context, from uint64, take func([]transport.RawDetection) error) error
	// BuryDetections makes dead letters of what is no detection, each once.
	BuryDetections(ctx context.Context, unread []transport.UnreadDetection) error
}

// Records keeps runs.
type Records interface {
	// LoadRuns gives the last run of each key, nil where there is none.
	LoadRuns(ctx context.Context, keys []transport.RunKey) ([]*transport.Run, error)
	AllRuns(ctx context.Context) ([]*transport.Run, error)
	// StoreRun puts run in place of the state of run.Revision (0: of none), or
	// fails with transport.ErrConflict, and sets the new revision.
	StoreRun(ctx context.Context, run *transport.Run) error
	// LogRun keeps what a run came to; the same run again replaces it.
	LogRun(ctx context.Context, run *transport.Run) error
}

// Reports stores the events of runs.
type Reports interface {
	// LastEvent is the sequence of the last event that was ever stored.
	LastEvent(ctx context.Context) (uint64, error)
	// FindReport sets Event, Matches and Alerts where run's event is stored.
	FindReport(ctx context.Context, run *transport.Run) (bool, error)
	// SubmitReport stores it unless it is stored, and sets run.Event.
	SubmitReport(ctx context.Context, run *transport.Run, data []byte) error
	// SubmitOps stores an event of ours, ops.<customer>.<what>.
	SubmitOps(ctx context.Context, customer, what, id string, at time.Time, data []byte) error
}

// Cursors is the ledger's part of runs: see ledger.Cursors.
type Cursors interface {
	Read(ctx context.Context, keys []string) ([]uint64, error)
	Move(ctx context.Context, key string, from, to uint64) error
}

// Alerts is where alerts are stored.
type Alerts interface {
	// Revision is that of the last change of any alert; WaitAlerts returns once
	// Runner.Change has returned from it.
	Revision(ctx context.Context) (uint64, error)
	WaitAlerts(ctx context.Context, revision uint64) error
	// SettleAlert changes what only runs change of the alert of that revision,
	// or fails with transport.ErrConflict.
	SettleAlert(ctx context.Context, customer, id string, revision, position, catchUp uint64, movedFrom string) (uint64, error)
}

// Schedules has runs triggered in time.
type Schedules interface {
	Schedules(ctx context.Context) (map[transport.RunKey]transport.RunSchedule, error)
	PutSchedule(ctx context.Context, key transport.RunKey, schedule transport.RunSchedule) error
	RemoveSchedule(ctx context.Context, key transport.RunKey) error
}

// Trigger says that a key is due.
type Trigger interface {
	// ID is what it is known by; one that comes again has the same.
	ID() transport.RunTrigger
	// Settle is called when a record stands for it, or there is nothing to run.
	Settle()
	// Tell is called with the run when its record is made, when it is done and
	// when it failed (Error says why) and is to be tried again, with nil where
	// there is nothing to run.
	Tell(run *transport.Run)
	// Delay is called when no record can be made yet, with why: it is tried
	// until one can.
	Delay(why string)
}

// Observer counts; its methods do not block.
type Observer interface {
	RunFinished(alertType string, took time.Duration, matches int)
	RunFailed(alertType string)
	// DetectionFieldUnread counts a field of a detection that could not be
	// read; each detection is told once, however many runs read it.
	DetectionFieldUnread(field string)
}

// Options are what a Runner needs.
type Options struct {
	Detections Detections
	Records    Records
	Reports    Reports
	Cursors    Cursors
	// CursorsIn names where the cursors are, for people: "Redis"; "" is NATS.
	CursorsIn string
	Alerts    Alerts
	Schedules Schedules
	// Number is a customer's customer_id, 0 where it is not known.
	Number func(customer string) int64
	Links  matching.Links
	// Workers is how many goroutines match; 0: one for each CPU.
	Workers int
	// Memory bounds the matches that are held, in bytes; 0: 256 MiB.
	Memory int
	// Collect is how long what is due is waited for to be one sweep; 0: 100 ms.
	Collect time.Duration
	// Live is the longest that a detection waits for its batch, LiveQuiet how
	// long nothing comes before it goes at once, LiveKeep how often the live
	// cursor is stored; 0: 700 ms, 100 ms, 5 s.
	Live, LiveQuiet, LiveKeep time.Duration
	// Pause is between tries of what failed, doubling to 8 of it; 0: 1 s.
	Pause    time.Duration
	Observer Observer
	Now      func() time.Time
	Logger   *slog.Logger
}

func (o *Options) defaults() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.Collect, 100*time.Millisecond)
	set(&o.Live, 700*time.Millisecond)
	set(&o.LiveQuiet, 100*time.Millisecond)
	set(&o.LiveKeep, 5*time.Second)
	set(&o.Pause, time.Second)
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Number == nil {
		o.Number = func(string) int64 { return 0 }
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

type nobody struct{}

func (nobody) RunFinished(string, time.Duration, int) {}
func (nobody) RunFailed(string)                       {}
func (nobody) DetectionFieldUnread(string)            {}
