package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Runs starts runs of alerts, and remembers them. One that is not there is
// transport.ErrNotFound.
type Runs interface {
	// StartRun begins a run of a key: of a customer's active normal alerts, hot
	// ones, or both (transport.RunSummary). It gives the run when its record is
	// made, with wait when it has ended or failed, or when ctx has; nil where
	// there is no such alert. One without an ID is stored and will be made; its
	// Error tells what it waits for.
	StartRun(ctx context.Context, key transport.RunKey, wait bool) (*transport.Run, error)
	// Runs lists newest first; an empty customer or alertType means all. next
	// is the cursor of the page after this one, "" where there is none.
	Runs(ctx context.Context, customer, alertType, cursor string, limit int) (page []transport.Run, next string, err error)
	Run(ctx context.Context, id string) (*transport.Run, error)
}

// The states of runs as they are shown.
const (
	runAccepted = "accepted"
	runWaiting  = "waiting"
	runRunning  = "running"
	runFinished = "finished"
	runFailed   = "failed"
)

// Run is one run of a customer's alerts.
type Run struct {
	ID        string `json:"run_id" doc:"Empty where it is accepted or waiting, and not made yet: GET /v1/runs will list it"`
	Customer  string `json:"customer,omitempty"`
	AlertType string `json:"alert_type,omitempty" enum:"normal,hot,live,summary" doc:"summary: normal and hot in one, by hand"`
	Status    string `json:"status" enum:"accepted,waiting,running,finished,failed" doc:"waiting: it is stored, and made once what reason names is back; failed: it is tried again, over the same detections"`
	Reason    string `json:"reason,omitempty" doc:"What it waits for, or why it failed"`
	// From and To are sequences of detections, both inclusive.
	From         uint64     `json:"from,omitempty" doc:"The first detection of the log that it reads; absent where nothing was new"`
	To           uint64     `json:"to,omitempty" doc:"The last one; absent where nothing was new"`
	Detections   int        `json:"detections" doc:"How many it read"`
	Alerts       int        `json:"alerts" doc:"How many alerts matched"`
	TotalMatches int        `json:"total_matches"`
	StartedAt    *time.Time `json:"started_at,omitempty"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

func runOf(r *transport.Run) Run {
	status := runAccepted
	switch {
	case r.State == transport.RunDone:
		status = runFinished
	case r.State == "" && r.Error != "":
		status = runWaiting
	case r.Error != "":
		status = runFailed
	case r.State != "":
		status = runRunning
	}
	run := Run{ID: r.ID, Customer: r.Customer, AlertType: r.AlertType(), Status: status, Reason: r.Error, Detections: r.Detections,
		Alerts: r.Alerts, TotalMatches: r.Matches, StartedAt: when(r.StartedAt), FinishedAt: when(r.FinishedAt)}
	if first, last, some := r.Span(); some {
		run.From, run.To = first, last
	}
	return run
}

// RunInput is what is asked of a run.
type RunInput struct {
	Customer  string `json:"customer" doc:"For operators; else the token's"`
	AlertType string `json:"alert_type" enum:"normal,hot" doc:"Alerts of that type; default both in one (live alerts run as detections come)"`
	Wait      bool   `json:"wait" doc:"Answer when the run has ended or cannot go on now, or after 60 s"`
}

// ShownRun is a run with what it reported.
type ShownRun struct {
	Run
	Event      string          `json:"event,omitempty" doc:"The id of its event alert.matches_found: GET /v1/deliveries?event= tells whom it went to, mailboxes too"`
	Report     json.RawMessage `json:"report,omitempty" doc:"The data of that event, while it is kept"`
	ReportNote string          `json:"report_note,omitempty" doc:"Why there is no report"`
}

// RunList is a page of runs; without next_cursor it is the last.
type RunList struct {
	Items      []Run  `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

type (
	startedRunAnswer struct {
		Status int
		Body   Run
	}
	runID struct {
		ID string `path:"id" maxLength:"128" doc:"The run's id"`
	}
	runQuery struct {
		Page
		Customer  string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
		AlertType string `query:"alert_type" maxLength:"16" doc:"Of that type only: normal, hot, live or summary"`
	}
	runListAnswer struct{ Body RunList }
	runAnswer     struct{ Body ShownRun }
)

func (s *Server) runRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/runs", id: "list-runs",
		summary: "List runs of alerts, newest first"}, s.listRuns)
	handle(s, h, route{method: http.MethodGet, path: "/v1/runs/{id}", id: "show-run", roles: readerRoles,
		summary: "Show a run, with its matches"}, s.showRun)
}

// runWait is how long an answer waits for runs to end, runMade for them to be
// known: not at once where others are under way.
const (
	runWait = 60 * time.Second
	runMade = 10 * time.Second
)

func (s *Server) runAlerts(ctx context.Context, _ *struct{}) (*startedRunAnswer, error) {
	var wish RunInput
	if err := decode(bodyOf(ctx), &wish); err != nil {
		return nil, err
	}
	if t := wish.AlertType; t != "" && t != matching.AlertNormal && t != matching.AlertHot {
		return nil, &transport.FieldError{Field: "alert_type", Value: t,
			Message: "is no type that can be run; give normal or hot, or leave it out for both (live alerts run as detections come)"}
	}
	customer, err := callerOf(ctx).actsFor(wish.Customer)
	if err != nil {
		return nil, err
	}
	patience := runMade
	if wish.Wait {
		patience = runWait
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := transport.RunKey{Customer: customer, Type: cmp.Or(wish.AlertType, transport.RunSummary)}
	run, err := s.Runs.StartRun(limited, key, wish.Wait)
	if err != nil {
		return nil, err
	}
	if run == nil {
		return nil, invalid("alert_type", "there is nothing to run: customer "+customer+" has no active alert of "+wordsOf(wish.AlertType))
	}
	out := &startedRunAnswer{Status: http.StatusAccepted, Body: runOf(run)}
	if out.Body.Status == runFinished {
		out.Status = http.StatusOK
	}
	return out, nil
}

func wordsOf(alertType string) string {
	if alertType == "" {
		return "type normal or hot"
	}
	return "type " + alertType
}

// checkRunType takes a type of run to filter by; "" is none.
func checkRunType(runType string) error {
	if runType == transport.RunSummary || checkAlertType(runType) == nil {
		return nil
	}
	return &transport.FieldError{Field: "alert_type", Value: runType, Message: "is no type of run; give normal, hot, live or summary"}
}

func (s *Server) listRuns(ctx context.Context, in *runQuery) (*runListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	cursor, err := in.after(listOfRuns)
	if err != nil {
		return nil, err
	}
	if err := checkRunType(in.AlertType); err != nil {
		return nil, err
	}
	runs, next, err := s.Runs.Runs(ctx, customer, in.AlertType, cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &runListAnswer{Body: RunList{Items: []Run{}}}
	for i := range runs {
		if who.sees(runs[i].Customer) {
			out.Body.Items = append(out.Body.Items, runOf(&runs[i]))
		}
	}
	if next != "" {
		out.Body.NextCursor = listOfRuns.cursorAt(next)
	}
	return out, nil
}

func (s *Server) showRun(ctx context.Context, in *runID) (*runAnswer, error) {
	run, err := s.Runs.Run(ctx, in.ID)
	if isNotFound(err) || err == nil && !callerOf(ctx).sees(run.Customer) {
		return nil, notFound("Run", in.ID)
	}
	if err != nil {
		return nil, err
	}
	out := &runAnswer{Body: ShownRun{Run: runOf(run)}}
	return out, s.report(ctx, run, &out.Body)
}

// report puts in what a run reported, or why there is nothing to show.
func (s *Server) report(ctx context.Context, run *transport.Run, shown *ShownRun) error {
	switch {
	case run.State != transport.RunDone:
		shown.ReportNote = "the run has not finished"
		return nil
	case run.Event == 0:
		shown.ReportNote = "nothing matched, so nothing was reported"
		return nil
	}
	ev, err := s.EventLog.Event(ctx, run.Event)
	switch {
	case isNotFound(err):
		shown.ReportNote = "its event is no longer kept"
	case err != nil:
		return err
	default:
		shown.Event, shown.Report = ev.ID, json.RawMessage(s.shownData(ev.Data))
	}
	return nil
}
