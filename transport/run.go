package transport

import (
	"strconv"
	"time"
)

// RunCatchUp is the type of a run that reads, for alerts that became live, what
// came before live runs knew them. All other runs have the type of their
// alerts: normal, hot or live.
const RunCatchUp = "catch_up"

// RunSummary is the type of a run by hand over a customer's normal and hot
// alerts in one. It goes on where the last runs of both ended.
const RunSummary = "summary"

// RunKey is what an open run, a cursor and a schedule belong to.
type RunKey struct {
	Customer string
	// Type is normal, hot, live, RunSummary, or RunCatchUp.
	Type string
}

// String gives <customer>.<type>, which is one key in a bucket and the end of a subject.
func (k RunKey) String() string { return k.Customer + "." + k.Type }

// States of a run.
const (
	RunOpen = "open"
	RunDone = "done"
)

// RunTrigger is what made a run due, a schedule's time or a request by hand: a
// message of RUNS, by its sequence and the time it was stored. The zero value is
// none.
type RunTrigger struct {
	Seq uint64    `json:"seq"`
	At  time.Time `json:"at"`
}

// After tells whether t came after o. Either will do: a stream that was made
// anew counts from 1 again, and a clock may be set back.
func (t RunTrigger) After(o RunTrigger) bool { return t.Seq > o.Seq || t.At.After(o.At) }

// Run is one run of a customer's alerts over a range of detections: a record
// that is made before the detections are read, and that a repeat uses as it is.
type Run struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	// Type is that of the key; AlertType tells what it means to people.
	Type  string `json:"type"`
	State string `json:"state"`
	// Trigger is the last one that the run answers: one that is not after it,
	// and comes again, makes no other run.
	Trigger RunTrigger `json:"trigger,omitzero"`
	// From and To are the first and the last sequence of DETECTIONS that the
	// run is about; From is To+1 where nothing is new. The cursor goes to To.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Parts are, of a summary, the types of alerts that it covers, each with its
	// own From; the run's is the least. See Ranges.
	Parts []RunPart `json:"parts,omitempty"`
	// Since and Through are what is read: from before From where an alert has
	// something to catch up with, and to before To where that was too much for
	// one run. Rest tells that it was, and that another run goes on.
	Since   uint64 `json:"since"`
	Through uint64 `json:"through"`
	Rest    bool   `json:"rest,omitempty"`
	// AlertsRevision is the revision of the alerts that took part.
	AlertsRevision uint64 `json:"alerts_revision"`
	// After is the last sequence of EVENTS when the record was made: the run's
	// event comes after it.
	After uint64 `json:"after"`
	// Detections is how many were read.
	Detections int `json:"detections"`
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

// RunPart is what a run is about for the alerts of one type.
type RunPart struct {
	Type string `json:"type"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Ranges are the types of alerts that the run covers, with what it is about for
// each.
func (r *Run) Ranges() []RunPart {
	if len(r.Parts) > 0 {
		return r.Parts
	}
	return []RunPart{{r.Type, r.From, r.To}}
}

// Span is the first and the last sequence of DETECTIONS that the run reads;
// false where nothing had come.
func (r *Run) Span() (first, last uint64, some bool) {
	return r.Since, r.Through, 0 < r.Since && r.Since <= r.Through
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

// RunID is the id of a run that is planned: a UUIDv5 of its key, what triggered
// it, when its record is made, in place of which one, and what it is about. No
// two runs have the same, whatever they read; a repeat has that of the record.
func RunID(r *Run) string {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	moment := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	return nameUUID("run", r.Customer, r.Type, number(r.Trigger.Seq), moment(r.Trigger.At), moment(r.StartedAt),
		number(r.Revision), number(r.Since), number(r.From), number(r.To))
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
