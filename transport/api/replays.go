package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// Replays run replays of many deliveries; one that is not there is
// transport.ErrNotFound.
type Replays interface {
	// Count tells how many deliveries a wish would replay now.
	Count(ctx context.Context, w transport.ReplayWish) (uint64, error)
	// Start fixes what a wish chooses, durably, and begins.
	Start(ctx context.Context, w transport.ReplayWish) (*transport.ReplayJob, error)
	// Jobs lists those of a customer, or of all for "", newest first.
	Jobs(customer string) []transport.ReplayJob
	Job(id string) (*transport.ReplayJob, error)
	Cancel(ctx context.Context, id string) (*transport.ReplayJob, error)
	// Past notes, durably, the replay of what an endpoint that is not created
	// yet wants since from; Begin starts it by the revision that has it.
	Past(ctx context.Context, ep *transport.Endpoint, from time.Time) (id string, err error)
	Begin(id string, revision uint64)
}

var replayRoles = []string{RoleReplay}

// cancelTime is how long the end of a replay is waited for.
const cancelTime = 10 * time.Second

func (s *Server) replayRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodPost, path: "/v1/deliveries/{id}/replay", id: "replay-delivery", roles: replayRoles,
		summary: "Deliver it again, with the same webhook-id", status: http.StatusAccepted}, s.replayDelivery)
	if s.Replays == nil {
		return
	}
	handle(s, h, route{method: http.MethodPost, path: "/v1/replays", id: "start-replay", roles: replayRoles,
		summary: "Deliver again what a filter chooses, at a bounded pace; dry_run tells how many",
		body:    reflect.TypeFor[ReplayInput](), status: http.StatusAccepted}, s.startReplay)
	handle(s, h, route{method: http.MethodPost, path: "/v1/deadletters/replay", id: "replay-deadletters", roles: replayRoles,
		summary: "Deliver again the dead letters that a filter chooses, at a bounded pace; dry_run tells how many",
		body:    reflect.TypeFor[LettersReplayInput](), status: http.StatusAccepted}, s.replayLetters)
	handle(s, h, route{method: http.MethodGet, path: "/v1/replays", id: "list-replays",
		summary: "List replays, newest first"}, s.listReplays)
	handle(s, h, route{method: http.MethodGet, path: "/v1/replays/{id}", id: "show-replay",
		summary: "Show how far a replay has come"}, s.showReplay)
	handle(s, h, route{method: http.MethodDelete, path: "/v1/replays/{id}", id: "cancel-replay", roles: replayRoles,
		summary: "Cancel a replay where it stands; what was given to delivery before goes on"}, s.cancelReplay)
}

// ReplayInput chooses what is delivered again.
type ReplayInput struct {
	Customer string    `json:"customer" doc:"For operators: that customer's only"`
	Endpoint string    `json:"endpoint" doc:"To that endpoint only"`
	Event    string    `json:"event" doc:"Of the event with that id only"`
	Type     string    `json:"type" doc:"Of that type only, or of a pattern such as access.>"`
	Status   string    `json:"status" doc:"delivered, dead_lettered or skipped; or of the last attempt failed, throttled, gone, refused or an HTTP status; several with commas between them. Deliveries without an outcome are never chosen"`
	From     time.Time `json:"from" doc:"RFC 3339: those that became owed then or later"`
	To       time.Time `json:"to" doc:"RFC 3339: those that became owed before"`
	Rate     float64   `json:"rate" doc:"Deliveries a second, 0.01 to 10000; default: the setting replays.rate"`
	DryRun   bool      `json:"dry_run" doc:"Tell how many there are, and replay none"`
}

// LettersReplayInput chooses dead letters that are delivered again.
type LettersReplayInput struct {
	Customer string    `json:"customer" doc:"For operators: that customer's only"`
	Endpoint string    `json:"endpoint" doc:"Of that endpoint only"`
	Reason   string    `json:"reason" doc:"Given up for that reason only"`
	From     time.Time `json:"from" doc:"RFC 3339: those given up then or later"`
	To       time.Time `json:"to" doc:"RFC 3339: those given up before"`
	Rate     float64   `json:"rate" doc:"Deliveries a second, 0.01 to 10000; default: the setting replays.rate"`
	DryRun   bool      `json:"dry_run" doc:"Tell how many there are, and replay none"`
}

// StartedReplay is a replay that has begun; of a dry run the count alone.
type StartedReplay struct {
	Count  uint64               `json:"count"`
	DryRun bool                 `json:"dry_run"`
	Replay *transport.ReplayJob `json:"replay,omitempty"`
}

// ReplayList is a page of replays; without next_cursor it is the last.
type ReplayList struct {
	Items      []transport.ReplayJob `json:"items"`
	NextCursor string                `json:"next_cursor,omitempty"`
}

type (
	replayID struct {
		ID string `path:"id" maxLength:"64" doc:"The replay's id"`
	}
	replayQuery struct {
		Page
		Customer string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	}
	replayStartedAnswer struct {
		Status int
		Body   StartedReplay
	}
	replayJobAnswer  struct{ Body *transport.ReplayJob }
	replayListAnswer struct{ Body ReplayList }
)

func (s *Server) startReplay(ctx context.Context, _ *struct{}) (*replayStartedAnswer, error) {
	var in ReplayInput
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, err
	}
	if in.Customer+in.Endpoint+in.Event+in.Type+in.Status == "" && in.From.IsZero() {
		return nil, invalid("endpoint", "missing; give endpoint, event, type, status, from or customer, so that not everything is replayed")
	}
	return s.start(ctx, transport.ReplayWish{Source: transport.ReplayDeliveries, Customer: in.Customer, Endpoint: in.Endpoint,
		EventID: in.Event, EventType: in.Type, Status: in.Status, From: in.From, To: in.To, Rate: in.Rate}, in.DryRun)
}

func (s *Server) replayLetters(ctx context.Context, _ *struct{}) (*replayStartedAnswer, error) {
	var in LettersReplayInput
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, err
	}
	if in.Customer+in.Endpoint+in.Reason == "" && in.From.IsZero() {
		return nil, invalid("endpoint", "missing; give endpoint, reason, from or customer, so that not everything is replayed")
	}
	return s.start(ctx, transport.ReplayWish{Source: transport.ReplayLetters, Customer: in.Customer, Endpoint: in.Endpoint,
		Reason: in.Reason, From: in.From, To: in.To, Rate: in.Rate}, in.DryRun)
}

// start counts, or starts, what the caller may see of a wish.
func (s *Server) start(ctx context.Context, w transport.ReplayWish, dry bool) (_ *replayStartedAnswer, err error) {
	if w.Customer, err = callerOf(ctx).listsOf(w.Customer); err != nil {
		return nil, err
	}
	if err := cmp.Or(checkEndpointID(w.Endpoint), checkReason(w.Reason)); err != nil {
		return nil, err
	}
	if !w.To.IsZero() && w.To.Before(w.From) {
		return nil, invalid("to", "lies before from; swap them")
	}
	if err := w.CheckRate(); err != nil {
		return nil, err
	}
	if dry {
		n, err := s.Replays.Count(ctx, w)
		nothingDone(ctx)
		return &replayStartedAnswer{Status: http.StatusOK, Body: StartedReplay{Count: n, DryRun: true}}, err
	}
	if err := s.room(ctx, w.Customer, transport.QuotaReplays); err != nil {
		return nil, err
	}
	job, err := s.Replays.Start(ctx, w)
	if err != nil {
		return nil, err
	}
	return &replayStartedAnswer{Status: http.StatusAccepted, Body: StartedReplay{Count: job.Total, Replay: job}}, nil
}

func (s *Server) listReplays(ctx context.Context, in *replayQuery) (*replayListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	before, err := in.after(listOfReplays)
	if err != nil {
		return nil, err
	}
	out := &replayListAnswer{Body: ReplayList{Items: []transport.ReplayJob{}}}
	for _, job := range s.Replays.Jobs(customer) {
		if before != "" && cmp.Compare(job.ID, before) >= 0 || !who.sees(job.Customer) {
			continue
		}
		if n := len(out.Body.Items); n == in.Limit {
			out.Body.NextCursor = listOfReplays.cursorAt(out.Body.Items[n-1].ID)
			break
		}
		out.Body.Items = append(out.Body.Items, job)
	}
	return out, nil
}

// findReplay gives a replay that the caller may see.
func (s *Server) findReplay(ctx context.Context, id string) (*transport.ReplayJob, error) {
	job, err := s.Replays.Job(id)
	if isNotFound(err) || err == nil && !callerOf(ctx).sees(job.Customer) {
		return nil, notFound("Replay", id)
	}
	return job, err
}

func (s *Server) showReplay(ctx context.Context, in *replayID) (*replayJobAnswer, error) {
	job, err := s.findReplay(ctx, in.ID)
	return &replayJobAnswer{Body: job}, err
}

func (s *Server) cancelReplay(ctx context.Context, in *replayID) (*replayJobAnswer, error) {
	if _, err := s.findReplay(ctx, in.ID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cancelTime)
	defer cancel()
	job, err := s.Replays.Cancel(ctx, in.ID)
	return &replayJobAnswer{Body: job}, err
}

// ReplayedDelivery is the answer to one delivery's replay.
type ReplayedDelivery struct {
	ID     string `json:"id" doc:"The new delivery's id"`
	Replay uint64 `json:"replay" doc:"The replay's number"`
	Status string `json:"status" enum:"accepted"`
}

type replayedAnswer struct{ Body ReplayedDelivery }

func (s *Server) replayDelivery(ctx context.Context, in *deliveryID) (*replayedAnswer, error) {
	d, err := s.findDelivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Endpoint == "":
		return nil, newError(http.StatusConflict, "The event was skipped as a whole ("+d.Reason+"), so no endpoint was owed it: publish it again under another id")
	case !d.State.Settled():
		return nil, newError(http.StatusConflict, "The delivery is "+d.State.String()+" and has no outcome yet: it will be made by itself")
	}
	if err := s.takesReplays(d.Endpoint, d.Customer); err != nil {
		return nil, err
	}
	ev, err := s.EventLog.Event(ctx, d.Seq)
	if isNotFound(err) {
		return nil, newError(http.StatusConflict, "The event is no longer kept (events.keep): publish it again; where it became a dead letter, replay that")
	}
	if err != nil {
		return nil, err
	}
	number, err := s.EventLog.Replay(ctx, d.Endpoint, ev)
	if err != nil {
		return nil, err
	}
	again := transport.Pair{Seq: d.Seq, Endpoint: d.Endpoint, Replay: number}
	return &replayedAnswer{Body: ReplayedDelivery{ID: transport.DeliveryID(again), Replay: number, Status: "accepted"}}, nil
}

// takesReplays tells why an endpoint cannot be delivered to again.
func (s *Server) takesReplays(endpoint, customer string) error {
	ep, there := s.endpoint(endpoint)
	switch {
	case !there || ep.Customer != customer:
		return newError(http.StatusConflict, "The endpoint was removed: publish the event again for another one")
	case !ep.Enabled || ep.State == transport.StateDisabled:
		return newError(http.StatusConflict, "The endpoint is disabled: enable it first (PATCH enabled true), then repeat")
	}
	return nil
}
