package api

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
)

// createSince is create for an endpoint that may want events from before it
// was created. Those are delivered by a replay of their own, whose id it gives:
// noted before the endpoint is stored, so that none can be forgotten, and begun
// once it is in effect. What comes from then on is routed live; what was routed
// live meanwhile is left out of the replay.
func (s *Server) createSince(ctx context.Context, ep *transport.Endpoint) (revision uint64, replay string, err error) {
	if s.Replays == nil || !ep.From.Before(ep.CreatedAt) {
		revision, err = s.create(ctx, ep)
		return revision, "", err
	}
	if made, there := s.Registry.Endpoint(ep.ID); there { // by a try of this request whose answer was lost
		*ep = *made
		return made.Revision, s.beginPast(made), nil
	}
	if replay, err = s.Replays.Past(ctx, ep, ep.From); err != nil {
		return 0, "", err
	}
	revision, err = s.create(ctx, ep)
	if errors.Is(err, transport.ErrUnknown) {
		return 0, "", err // it begins by a repeat, or later by itself; where the endpoint does not show it is dropped
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
		defer cancel()
		if _, cancelErr := s.Replays.Cancel(ctx, replay); cancelErr != nil {
			s.log.WarnContext(ctx, "the replay of an endpoint that was not created is not cancelled", "replay", replay, "error", cancelErr)
		}
		return 0, "", err
	}
	s.Replays.Begin(replay, revision)
	return revision, replay, nil
}

// beginPast begins the replay that was noted for an endpoint, and gives its id;
// empty where there is none.
func (s *Server) beginPast(ep *transport.Endpoint) (replay string) {
	for _, j := range s.Replays.Jobs(ep.Customer) {
		if j.Source == transport.ReplayPast && j.Endpoint == ep.ID && j.State != transport.ReplayCancelled {
			s.Replays.Begin(j.ID, ep.Revision)
			return j.ID
		}
	}
	return ""
}
