package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

func (s *Server) stateRoutes(h huma.API) {
	const one = "/v1/endpoints/{id}"
	handle(s, h, route{method: http.MethodPost, path: one + "/pause", id: "pause-endpoint", roles: editRoles,
		summary: "Pause deliveries; what comes meanwhile waits"}, s.pauseEndpoint)
	handle(s, h, route{method: http.MethodPost, path: one + "/resume", id: "resume-endpoint", roles: editRoles,
		summary: "Go on after a pause, or after the endpoint was disabled; what was held against it is forgotten"}, s.resumeEndpoint)
}

func (s *Server) pauseEndpoint(ctx context.Context, in *asSeen) (*endpointAnswer, error) {
	return s.setState(ctx, in, func(ep *transport.Endpoint) error {
		if ep.State == transport.StateDisabled || !ep.Enabled {
			return newError(http.StatusConflict, "The endpoint is disabled: nothing is delivered to it; resume or enable it first")
		}
		ep.State, ep.StateReason = transport.StatePaused, "paused by hand"
		return nil
	})
}

func (s *Server) resumeEndpoint(ctx context.Context, in *asSeen) (*endpointAnswer, error) {
	if ep, err := s.find(ctx, in.ID); err == nil && ep.Kind == transport.KindEmail {
		return s.resumeMailbox(ctx, ep)
	}
	return s.setState(ctx, in, func(ep *transport.Endpoint) error {
		if !ep.Enabled {
			return newError(http.StatusConflict, "The endpoint is not enabled; edit it with enabled true")
		}
		ep.State, ep.StateReason = transport.StateActive, ""
		return nil
	})
}

// setState changes an endpoint's state alone. One that has it already is fine.
func (s *Server) setState(ctx context.Context, in *asSeen, change func(*transport.Endpoint) error) (*endpointAnswer, error) {
	old, err := s.findAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	ep := *old
	if err := change(&ep); err != nil {
		return nil, err
	}
	if ep.State == old.State {
		return &endpointAnswer{Status: http.StatusOK, ETag: etag(old.Revision), Body: s.showNow(ctx, old)}, nil
	}
	ep.UpdatedAt = s.Now().UTC()
	if ep.Revision, err = s.Registry.UpdateEndpoint(ctx, &ep); err != nil {
		return nil, err
	}
	s.notedEndpoint(ctx, map[string]string{transport.StatePaused: didPause, transport.StateActive: didResume}[ep.State], old, &ep)
	return s.applied(ctx, ep.Revision, http.StatusOK, show(&ep)), nil
}

// ShownStanding is how deliveries to an endpoint go right now.
type ShownStanding struct {
	Breaker     string     `json:"breaker" enum:"closed,open,probing" doc:"open: nothing but a probe is sent, from open_until on"`
	OpenUntil   *time.Time `json:"open_until,omitempty"`
	HeldUntil   *time.Time `json:"held_until,omitempty" doc:"The receiver asked, by 429 or 503, to be left alone until then"`
	Concurrency int        `json:"concurrency,omitempty" doc:"Deliveries in flight that the receiver bears now, at most delivery.concurrency"`
	Since       *time.Time `json:"since,omitempty" doc:"When it began to fail"`
	InFlight    int        `json:"in_flight,omitempty" doc:"Attempts under way, where one endpoint is shown"`
	OldestAt    *time.Time `json:"oldest_at,omitempty" doc:"When the oldest delivery became owed that waits, as the delivery log has it"`
	NextAt      *time.Time `json:"next_at,omitempty" doc:"When the next attempt of one that waits is due, where one has a time"`
	Pace        float64    `json:"pace,omitempty" doc:"Deliveries a second to which the drain of what waited has grown; none: unbounded"`
}

// showNow is show with how the endpoint stands.
func (s *Server) showNow(ctx context.Context, ep *transport.Endpoint) *ShownEndpoint {
	shown := show(ep)
	if s.Standing == nil {
		return shown
	}
	if st, known := s.Standing(ctx, ep.ID); known {
		shown.stand(&st)
	}
	s.tellWaiting(ctx, shown)
	return shown
}

// tellWaiting adds since when what endpoints are owed waits. A log that is being
// read, or none, adds nothing.
func (s *Server) tellWaiting(ctx context.Context, all ...*ShownEndpoint) {
	var ids []string
	for _, e := range all {
		if e.Standing != nil && e.Waiting > 0 {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 || s.Deliveries == nil {
		return
	}
	spans, err := s.Deliveries.Waiting(ctx, ids)
	if err != nil {
		return
	}
	for _, e := range all {
		if w, there := spans[e.ID]; there && e.Standing != nil {
			e.Standing.OldestAt, e.Standing.NextAt = when(w.Oldest), when(w.Next)
		}
	}
}

func (s *Server) allStandings(ctx context.Context) map[string]transport.Standing {
	if s.Standings == nil {
		return nil
	}
	return s.Standings(ctx)
}

// stand adds what the registry does not know: failing, and what waits.
func (e *ShownEndpoint) stand(st *transport.Standing) {
	e.Waiting = st.Waiting
	if e.Enabled && e.State == transport.StateActive && st.State == transport.StateFailing {
		e.State, e.StateReason = st.State, st.Reason
	}
	if e.Enabled && e.State == transport.StateActive && st.Away != "" {
		e.StateReason = st.Away
	}
	e.Standing = &ShownStanding{Breaker: st.Breaker, OpenUntil: when(st.OpenUntil), HeldUntil: when(st.HeldUntil),
		Concurrency: st.Concurrency, Pace: st.Pace, Since: when(st.Since), InFlight: st.InFlight}
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
