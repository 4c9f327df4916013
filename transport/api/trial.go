package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

const (
	maxTrial = 500
	// trialTime bounds the time that one trial's expressions may take.
	trialTime = 2 * time.Second
)

// trialRoles may try an endpoint on what was published.
var trialRoles = []string{RoleCreateEndpoint, RoleEditEndpoint, RoleTestEndpoint}

// TrialInput is an endpoint, saved or not, that is tried on the last events.
type TrialInput struct {
	ID       string        `json:"id" doc:"Of an endpoint that is there: then endpoint is a patch of it, as for editing"`
	Endpoint EndpointInput `json:"endpoint" doc:"As for creating it"`
	Last     int           `json:"last" doc:"How many of the customer's last events, 1 to 500; default 500"`
	Event    string        `json:"event" doc:"The id of the event whose body is shown; default: the newest that would be sent"`
}

// Trial tells what an endpoint would have made of the last events.
type Trial struct {
	Events  int         `json:"events" doc:"How many were looked at"`
	Wanted  int         `json:"wanted" doc:"Would be sent"`
	Type    int         `json:"type" doc:"Not wanted, by their type"`
	Filter  int         `json:"filter" doc:"Not wanted, by the filter; those for which it has no answer included"`
	Skipped int         `json:"skipped" doc:"Wanted, and without a form for this endpoint"`
	Failed  int         `json:"failed" doc:"Wanted, and their body or headers cannot be made: they would be dead letters"`
	From    *time.Time  `json:"from,omitempty" doc:"When the oldest of them was published"`
	Items   []TrialItem `json:"items" doc:"Newest first"`
	Body    string      `json:"body,omitempty" doc:"As it would be sent; what log.redact names is masked"`
	// BodyOf is whose body that is.
	BodyOf   string `json:"body_of,omitempty" doc:"The id of that event; none: a sample's, as none of the events would be sent"`
	Complete bool   `json:"complete" doc:"false: the time for expressions was up before the last event"`
}

// TrialItem is one event of a trial.
type TrialItem struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"`
	Time    time.Time `json:"time"`
	Verdict string    `json:"verdict" enum:"wanted,type,filter,skipped,failed"`
	Detail  string    `json:"detail" doc:"Why"`
}

type trialAnswer struct{ Body Trial }

// tryOnEvents tells which of the customer's last events an endpoint would want,
// skip, or fail to render. Nothing is sent or kept.
func (s *Server) tryOnEvents(ctx context.Context, _ *struct{}) (*trialAnswer, error) {
	nothingDone(ctx)
	ep, in, err := s.trialOf(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case s.previews <- struct{}{}:
		defer func() { <-s.previews }()
	default:
		return nil, newError(http.StatusTooManyRequests, "Other previews are under way: try again in some seconds").retryAfter(5)
	}
	tried, err := newTrial(ep)
	if err != nil {
		return nil, err
	}
	recent, err := s.EventLog.Recent(ctx, ep.Customer, in.Last)
	if err != nil {
		return nil, err
	}
	tried.out.Complete = true
	for _, ev := range recent {
		if tried.spent > trialTime || ctx.Err() != nil {
			tried.out.Complete = false
			break
		}
		if tried.look(ev) && (in.Event == "" || in.Event == ev.ID) && tried.out.BodyOf == "" {
			masked := *ev
			masked.Data = s.shownData(ev.Data)
			if body, _, _, err := tried.renderer.Priced(&masked); err == nil {
				tried.out.Body, tried.out.BodyOf = text(s.Redact(body)), ev.ID
			}
		}
	}
	if tried.out.BodyOf == "" && in.Event == "" {
		tried.out.Body = s.bodyOfSample(tried)
	}
	return &trialAnswer{Body: tried.out}, nil
}

// bodyOfSample is what would be sent of a sample; "" where that cannot be made.
func (s *Server) bodyOfSample(t *trial) string {
	sample, err := sampleEvent(t.ep, &TestInput{}, s.Now().UTC())
	if err != nil {
		return ""
	}
	body, _, _, err := t.renderer.Priced(sample)
	if err != nil {
		return ""
	}
	return text(s.Redact(body))
}

type trialWish struct {
	ID       string          `json:"id"`
	Endpoint json.RawMessage `json:"endpoint"`
	Last     int             `json:"last"`
	Event    string          `json:"event"`
}

// trialOf reads what is tried, and checks it as if it were saved.
func (s *Server) trialOf(ctx context.Context) (ep *transport.Endpoint, in trialWish, err error) {
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, in, err
	}
	if in.Last == 0 {
		in.Last = maxTrial
	}
	if in.Last < 1 || in.Last > maxTrial {
		return nil, in, invalid("last", "not between 1 and 500")
	}
	if len(in.Endpoint) == 0 || string(in.Endpoint) == "null" {
		in.Endpoint = json.RawMessage(`{}`)
	}
	if in.ID == "" {
		if ep, err = s.newEndpoint(callerOf(ctx), in.Endpoint); err == nil {
			err = s.prepareNew(ctx, ep)
		}
		return ep, in, err
	}
	old, err := s.find(ctx, in.ID)
	if err == nil {
		ep, err = s.edited(callerOf(ctx), old, in.Endpoint)
	}
	return ep, in, err
}

// trial evaluates one endpoint.
type trial struct {
	ep       *transport.Endpoint
	filter   *payload.Filter // nil: there is none
	renderer *payload.Renderer
	spent    time.Duration
	out      Trial
}

func newTrial(ep *transport.Endpoint) (t *trial, err error) {
	t = &trial{ep: ep, out: Trial{Items: []TrialItem{}}}
	if ep.Filter != "" {
		if t.filter, err = payload.NewFilter(ep.Filter); err != nil {
			return nil, err
		}
	}
	t.renderer, err = payload.New(ep)
	return t, err
}

// look counts one event, and tells whether it would be sent.
func (t *trial) look(ev *transport.Event) bool {
	verdict, detail := t.judge(ev)
	t.out.Events++
	t.out.From = when(ev.Stored)
	t.out.Items = append(t.out.Items, TrialItem{ID: ev.ID, Type: ev.Type, Time: ev.Time.UTC(), Verdict: verdict, Detail: detail})
	switch verdict {
	case "type":
		t.out.Type++
	case "filter":
		t.out.Filter++
	case "skipped":
		t.out.Skipped++
	case "failed":
		t.out.Failed++
	default:
		t.out.Wanted++
	}
	return verdict == "wanted"
}

func (t *trial) judge(ev *transport.Event) (verdict, detail string) {
	if !slices.ContainsFunc(t.ep.Events, func(pattern string) bool { return transport.MatchType(pattern, ev.Type) }) {
		return "type", ""
	}
	if t.filter != nil {
		view := payload.NewView(ev)
		wants, err := t.filter.Match(view)
		t.spent += view.Spent()
		switch {
		case err != nil:
			return "filter", "it has no answer: " + shortText(err.Error(), 200)
		case !wants:
			return "filter", ""
		}
	}
	_, _, spent, err := t.renderer.Priced(ev)
	t.spent += spent
	var skip payload.Skip
	switch {
	case errors.As(err, &skip):
		return "skipped", skip.Reason
	case err != nil:
		return "failed", shortText(err.Error(), 200)
	}
	return "wanted", ""
}

func shortText(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
