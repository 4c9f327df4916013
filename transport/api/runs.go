package api

import (
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
	// StartRun begins runs of a customer's active alerts of a type ("": normal
	// and hot, one for each type that it has), and none where it has no such
	// alert. It returns when all are known, with wait when all have ended, or
	// when ctx has. A run that is not known by then has no ID and no State: it
	// is on its way.
	StartRun(ctx context.Context, customer, alertType string, wait bool) ([]transport.Run, error)
	// Runs lists newest first; an empty customer or alertType means all. next
	// is the cursor of the page after this one, "" where there is none.
	Runs(ctx context.Context, customer, alertType, cursor string, limit int) (page []transport.Run, next string, err error)
	Run(ctx context.Context, id string) (*transport.Run, error)
}

// The states of runs as they are shown.
const (
	runAccepted = "accepted"
	runRunning  = "running"
	runFinished = "finished"
	runFailed   = "failed"
)

// Run is one run of a customer's alerts of one type.
type Run struct {
	ID        string `json:"run_id" doc:"Empty where it is accepted and not known yet: GET /v1/runs will list it"`
	Customer  string `json:"customer,omitempty"`
	AlertType string `json:"alert_type,omitempty" enum:"normal,hot,live"`
	Status    string `json:"status" enum:"accepted,running,finished,failed" doc:"failed: it is tried again, over the same detections"`
	Reason    string `json:"reason,omitempty" doc:"Why it failed"`
	// From and To are sequences of detections, both inclusive.
	From         uint64     `json:"from,omitempty" doc:"The first detection of the log that it is about"`
	To           uint64     `json:"to,omitempty" doc:"The last one; before from where nothing was new"`
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
	case r.Error != "":
		status = runFailed
	case r.State != "":
		status = runRunning
	}
	return Run{ID: r.ID, Customer: r.Customer, AlertType: r.AlertType(), Status: status, Reason: r.Error, From: r.From, To: r.To,
		Alerts: r.Alerts, TotalMatches: r.Matches, StartedAt: when(r.StartedAt), FinishedAt: when(r.FinishedAt)}
}

// RunInput is what is asked of a run.
type RunInput struct {
	Customer  string `json:"customer" doc:"For operators; else the token's"`
	AlertType string `json:"alert_type" enum:"normal,hot" doc:"Alerts of that type; default both (live alerts run as detections come)"`
	Wait      bool   `json:"wait" doc:"Answer when the run has ended, or after 60 s"`
}

// StartedRun is the run that was begun; Runs are all, where that is more than one.
type StartedRun struct {
	Run
	Runs []Run `json:"runs,omitempty" doc:"All, where both types run; the fields beside are those of the first that has not finished, else of the first"`
}

// ShownRun is a run with what it reported.
type ShownRun struct {
	Run
	Report     json.RawMessage `json:"report,omitempty" doc:"The data of its event alert.matches_found, while that is kept"`
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
		Body   StartedRun
	}
	runID struct {
		ID string `path:"id" maxLength:"128" doc:"The run's id"`
	}
	runQuery struct {
		Page
		Customer  string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
		AlertType string `query:"alert_type" maxLength:"16" doc:"Of that type only: normal, hot or live"`
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
	runs, err := s.Runs.StartRun(limited, customer, wish.AlertType, wish.Wait)
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, invalid("alert_type", "there is nothing to run: customer "+customer+" has no active alert of "+wordsOf(wish.AlertType))
	}
	shown := make([]Run, len(runs))
	for i := range runs {
		shown[i] = runOf(&runs[i])
	}
	return started(shown), nil
}

func wordsOf(alertType string) string {
	if alertType == "" {
		return "type normal or hot"
	}
	return "type " + alertType
}

// started answers 200 where all runs have finished, else 202.
func started(runs []Run) *startedRunAnswer {
	out := &startedRunAnswer{Status: http.StatusOK, Body: StartedRun{Run: runs[0]}}
	for _, run := range runs {
		if run.Status != runFinished {
			out.Status, out.Body.Run = http.StatusAccepted, run
			break
		}
	}
	if len(runs) > 1 {
		out.Body.Runs = runs
	}
	return out
}

func (s *Server) listRuns(ctx context.Context, in *runQuery) (*runListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	cursor, err := in.after()
	if err != nil {
		return nil, err
	}
	if err := checkAlertType(in.AlertType); err != nil {
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
		out.Body.NextCursor = cursorAt(next)
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
	out.Body.Report, out.Body.ReportNote, err = s.reportOf(ctx, run)
	return out, err
}

// reportOf gives what a run reported, or why there is nothing to show.
func (s *Server) reportOf(ctx context.Context, run *transport.Run) (report json.RawMessage, note string, err error) {
	switch {
	case run.State != transport.RunDone:
		return nil, "the run has not finished", nil
	case run.Event == 0:
		return nil, "nothing matched, so nothing was reported", nil
	}
	ev, err := s.EventLog.Event(ctx, run.Event)
	switch {
	case isNotFound(err):
		return nil, "its event is no longer kept", nil
	case err != nil:
		return nil, "", err
	}
	return json.RawMessage(s.redactData(s.Redact(ev.Data))), "", nil
}
