package transport

import (
	"strconv"
	"time"
)

// RunCatchUp is the type of a run that reads, for alerts that became live, what
// came before live runs knew them. All other runs have the type of their
// alerts: normal, hot or live.
const RunCatchUp = "catch_up"

// RunKey is what an open run, a cursor and a schedule belong to.
type RunKey struct {
	Customer string
	// Type is normal, hot, live, or RunCatchUp.
	Type string
}

// String gives <customer>.<type>, which is one key in a bucket and the end of a subject.
func (k RunKey) String() string { return k.Customer + "." + k.Type }

// States of a run.
const (
	RunOpen = "open"
	RunDone = "done"
)

// Run is one run of a customer's alerts of one type over a range of
// detections: a record that is made before the detections are read, and that a
// repeat uses as it is.
type Run struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	// Type is that of the key; AlertType tells what it means to people.
	Type  string `json:"type"`
	State string `json:"state"`
	// From and To are the first and the last sequence of DETECTIONS that the
	// run is about; From is To+1 where nothing is new. The cursor goes to To.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Since and Through are what is read: from before From where an alert has
	// something to catch up with, and to before To where that was too much for
	// one run.
	Since   uint64 `json:"since"`
	Through uint64 `json:"through"`
	// AlertsRevision is the revision of the alerts that took part.
	AlertsRevision uint64 `json:"alerts_revision"`
	// After is the last sequence of EVENTS when the record was made: the run's
	// event comes after it.
	After uint64 `json:"after"`
	// Alerts that matched, their Matches, and the sequence of the run's Event in
	// EVENTS: all 0 where nothing matched. LeftOut counts matches that had no
	// room though they were of one detection.
	Alerts  int    `json:"alerts"`
	Matches int    `json:"matches"`
	LeftOut int    `json:"left_out,omitempty"`
	Event   uint64 `json:"event"`
	// Error is why the last try failed, empty where it did not.
	Error      string    `json:"error,omitempty"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// Revision is the bucket's, for compare-and-set; 0: there is none yet.
	Revision uint64 `json:"-"`
}

// Key is what the run belongs to.
func (r *Run) Key() RunKey { return RunKey{r.Customer, r.Type} }

// AlertType is the type of the run's alerts.
func (r *Run) AlertType() string {
	if r.Type == RunCatchUp {
		return "live"
	}
	return r.Type
}

// RunID is the id of a run, the same for the same customer, type, range and
// revision of the alerts: a UUIDv5.
func RunID(r *Run) string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	return nameUUID("run", r.Customer, r.Type, number(r.From), number(r.To), number(r.Through), number(r.AlertsRevision))
}

// RawDetection is a message of DETECTIONS as it came. Data is not changed by anyone.
type RawDetection struct {
	Seq     uint64
	Stored  time.Time
	Subject string
	Data    []byte
}

// UnreadDetection is a message of DETECTIONS that is no detection, and why.
type UnreadDetection struct {
	RawDetection
	Detail string
}

// RunSchedule is when runs of a key are due: a cron expression of five fields,
// read in a time zone of the IANA database.
type RunSchedule struct {
	Cron, Zone string
}
