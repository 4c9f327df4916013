package api

import (
	"context"

	"github.com/postrider/postrider/transport"
)

// createSince is create for an endpoint that may want events from before it
// was created. Those are delivered by a replay of their own, whose id it gives:
// noted before the endpoint is stored, so that none can be forgotten, and begun
// once it is in effect. What comes from then on is routed live; what was routed
// live meanwhile is left out of the replay.
func (s *Server) createSince(ctx context.Context, ep *transport.Endpoint) (revision uint64, replay string, err error) {
	if _, made := s.Registry.Endpoint(ep.ID); made || s.Replays == nil || !ep.From.Before(ep.CreatedAt) {
		revision, err = s.create(ctx, ep)
		return revision, "", err
	}
	if replay, err = s.Replays.Past(ctx, ep, ep.From); err != nil {
		return 0, "", err
	}
	if revision, err = s.create(ctx, ep); err != nil {
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
