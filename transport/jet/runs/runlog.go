package runs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/wire"
)

const (
	// StreamRunLog keeps what runs came to, each under
	// runlog.<customer>.<alert type>.<when it began, ms>.<id>.
	StreamRunLog = "RUNLOG"

	runLogKeep = 90 * 24 * time.Hour
	// runLogMost is how many runs are kept of one customer; it is looked at when
	// one in trimOneIn is logged.
	runLogMost = 1000
	trimOneIn  = 16
)

func runLogConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              StreamRunLog,
		Description:       "Postrider: finished runs of alerts",
		Subjects:          []string{"runlog.>"},
		Storage:           jetstream.FileStorage,
		MaxAge:            runLogKeep,
		MaxMsgsPerSubject: 1,
		Duplicates:        100 * time.Millisecond,
		AllowDirect:       true,
	}
}

// loggedRun is the subject of a run in RUNLOG, read. IDs have no dots.
type loggedRun struct {
	subject, customer, alertType, id string
	began                            int64
}

func runLogSubject(run *transport.Run) string {
	return fmt.Sprintf("runlog.%s.%s.%d.%s", run.Customer, run.AlertType(), run.StartedAt.UnixMilli(), run.ID)
}

func readLogged(subject string) (loggedRun, bool) {
	words := strings.Split(subject, ".")
	if len(words) != 5 {
		return loggedRun{}, false
	}
	began, err := strconv.ParseInt(words[3], 10, 64)
	return loggedRun{subject: subject, customer: words[1], alertType: words[2], began: began, id: words[4]}, err == nil
}

// newestFirst orders runs that began at the same time by id.
func newestFirst(a, b loggedRun) int {
	if a.began != b.began {
		if a.began > b.began {
			return -1
		}
		return 1
	}
	return strings.Compare(a.id, b.id)
}

// LogRun keeps what a run came to, or why it failed, for 90 days and of a
// customer the last 1,000. The same run again takes the place of its first record.
func (s *Store) LogRun(ctx context.Context, run *transport.Run) error {
	_, err := s.js.Publish(ctx, runLogSubject(run), jet.CompactJSON(run))
	if err == nil && rand.IntN(trimOneIn) == 0 {
		err = s.trimRunLog(ctx, run.Customer)
	}
	if err != nil {
		return fmt.Errorf("logging run %s: %w", run.ID, jet.Unavailable(err))
	}
	return nil
}

// trimRunLog drops the oldest runs of a customer that has more than it may.
func (s *Store) trimRunLog(ctx context.Context, customer string) error {
	var runs []loggedRun
	err := s.conn.SubjectsOf(ctx, StreamRunLog, "runlog."+customer+".>", func(subject string, _ uint64) {
		if run, ok := readLogged(subject); ok {
			runs = append(runs, run)
		}
	})
	if err != nil || len(runs) <= runLogMost {
		return err
	}
	stream, err := s.js.Stream(ctx, StreamRunLog)
	if err != nil {
		return err
	}
	slices.SortFunc(runs, newestFirst)
	for _, run := range runs[runLogMost:] {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(run.subject)); err != nil {
			return err
		}
	}
	return nil
}

// Runs lists runs that were logged, newest first, of a customer and a type of alert
// ("": of all), at most limit from cursor on; next is the cursor of the page
// after this one, "" where there is none.
func (s *Store) Runs(ctx context.Context, customer, alertType, cursor string, limit int) (page []transport.Run, next string, err error) {
	after, bounded := loggedRun{}, false
	if cursor != "" {
		if after, bounded = readLogged("runlog._._." + cursor); !bounded {
			return nil, "", &transport.FieldError{Field: "cursor", Message: "not one that a list gave"}
		}
	}
	word := func(s string) string {
		if s == "" {
			return "*"
		}
		return jet.SubjectWord(s)
	}
	var found []loggedRun
	err = s.conn.SubjectsOf(ctx, StreamRunLog, "runlog."+word(customer)+"."+word(alertType)+".>", func(subject string, _ uint64) {
		if run, ok := readLogged(subject); ok && (!bounded || newestFirst(run, after) > 0) {
			found = append(found, run)
		}
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing runs: %w", jet.Unavailable(err))
	}
	slices.SortFunc(found, newestFirst)
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		next = strconv.FormatInt(last.began, 10) + "." + last.id
	}
	page, err = s.loggedRuns(ctx, found)
	return page, next, err
}

func (s *Store) loggedRuns(ctx context.Context, found []loggedRun) ([]transport.Run, error) {
	bySubject := make(map[string]*transport.Run, len(found))
	for from := 0; from < len(found); from += lastValuesAtOnce {
		var subjects []string
		for _, f := range found[from:min(from+lastValuesAtOnce, len(found))] {
			subjects = append(subjects, f.subject)
		}
		err := s.lastOf(ctx, StreamRunLog, subjects, func(m *jetstream.RawStreamMsg) {
			if run, err := decodeRun(m.Data, 0); err == nil {
				bySubject[m.Subject] = run
			}
		})
		if err != nil {
			return nil, fmt.Errorf("listing runs: %w", jet.Unavailable(err))
		}
	}
	page := make([]transport.Run, 0, len(found))
	for _, f := range found {
		if run := bySubject[f.subject]; run != nil {
			page = append(page, *run)
		}
	}
	return page, nil
}

// Run gives a run that is open or kept; transport.ErrNotFound where it is neither.
func (s *Store) Run(ctx context.Context, id string) (*transport.Run, error) {
	if transport.CheckCustomer(id) != nil { // an id has the letters of a customer's
		return nil, fmt.Errorf("run %s: %w", wire.CutText(id, 64), transport.ErrNotFound)
	}
	m, err := s.conn.FirstMessage(ctx, StreamRunLog, jetstreamext.GetBatchSubject("runlog.*.*.*."+id))
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, jet.Unavailable(err))
	}
	if m != nil {
		return decodeRun(m.Data, 0)
	}
	runs, err := s.AllRuns(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if run.ID == id {
			return run, nil
		}
	}
	return nil, fmt.Errorf("run %s: %w", id, transport.ErrNotFound)
}
