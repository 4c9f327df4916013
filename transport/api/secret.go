package api

import (
	"context"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 30 * 24 * time.Hour
)

// RotateInput is what a rotation may say.
type RotateInput struct {
	Secret  string              `json:"secret" doc:"The new secret; made if left out"`
	Overlap *transport.Duration `json:"overlap" doc:"How long the old secret signs beside the new: 0s to 720h, default 24h"`
}

// Secret is the answer to reveal and rotate.
type Secret struct {
	ID            string     `json:"id"`
	Secret        string     `json:"secret"`
	PublicKey     string     `json:"public_key,omitempty" doc:"Of a whsk_ key (ed25519): what verifies"`
	PreviousUntil *time.Time `json:"previous_until,omitempty" doc:"Until then the secret before signs too"`
}

type secretAnswer struct {
	Status int
	// CacheControl keeps the secret out of caches on the way.
	CacheControl string `header:"Cache-Control"`
	Body         Secret
}

func (s *Server) secretOf(ep *transport.Endpoint, status int) *secretAnswer {
	out := &secretAnswer{Status: status, CacheControl: "no-store", Body: Secret{ID: ep.ID, Secret: ep.Secrets.Current}}
	out.Body.PublicKey = signature.PublicKey(ep.Signature.Scheme, ep.Secrets.Current)
	if until := ep.Secrets.PreviousUntil; ep.Secrets.Previous != "" && until.After(s.Now()) {
		out.Body.PreviousUntil = &until
	}
	return out
}

func (s *Server) revealSecret(ctx context.Context, in *byID) (*secretAnswer, error) {
	ep, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.secretOf(ep, http.StatusOK), nil
}

func (s *Server) rotateSecret(ctx context.Context, in *asSeen) (*secretAnswer, error) {
	old, err := s.findAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	var wish RotateInput
	if err := decode(bodyOf(ctx), &wish); err != nil {
		return nil, err
	}
	ep := *old
	if ep.Secrets, err = rotated(old, wish, s.Now().UTC()); err != nil {
		return nil, err
	}
	ep.UpdatedAt = s.Now().UTC()
	if err := ep.Secrets.Check(); err != nil {
		return nil, err
	}
	if ep.Revision, err = s.Registry.UpdateEndpoint(ctx, &ep); err != nil {
		return nil, err
	}
	s.notedEndpoint(ctx, didRotate, old, &ep)
	return s.secretOf(&ep, s.applied(ctx, ep.Revision, http.StatusOK, nil).Status), nil
}

func rotated(old *transport.Endpoint, wish RotateInput, now time.Time) (transport.Secrets, error) {
	scheme := old.Signature.Scheme
	if scheme == "none" {
		return transport.Secrets{}, newError(http.StatusConflict, "The endpoint's scheme is none, which uses no secret: choose a signature.scheme first")
	}
	overlap := defaultOverlap
	if wish.Overlap != nil {
		overlap = time.Duration(*wish.Overlap)
	}
	if overlap < 0 || overlap > maxOverlap {
		return transport.Secrets{}, invalid("overlap", "out of range; give 0s to 720h")
	}
	next := transport.Secrets{Current: wish.Secret}
	if next.Current == "" {
		next.Current = signature.NewSecretLike(scheme, old.Secrets.Current)
	}
	if next.Current == old.Secrets.Current {
		return next, invalid("secret", "is the one in use; give another, or leave it out to have one made")
	}
	if overlap > 0 && old.Secrets.Current != "" {
		next.Previous, next.PreviousUntil = old.Secrets.Current, now.Add(overlap)
	}
	return next, signature.CheckSecret(scheme, next.Current)
}
