package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
)

// Revocations are tokens that no longer hold, by their jti.
type Revocations interface {
	// Revoked is asked at each request, and answers from memory.
	Revoked(jti string) bool
	// Revoke returns when the revocation is durable and in effect here. It is
	// kept until then; a zero time means for ever.
	Revoke(ctx context.Context, jti string, until time.Time) error
}

// maxJTI bounds the id of a token that is revoked.
const maxJTI = 256

func (s *Server) tokenRoutes(h huma.API) {
	if s.Revocations == nil {
		return
	}
	handle(s, h, route{method: http.MethodPost, path: "/v1/tokens/revoke", id: "revoke-token", operator: true,
		summary: "Revoke a token by its jti: it is refused from now on", body: reflect.TypeFor[RevokeInput]()}, s.revokeToken)
}

// RevokeInput names a token.
type RevokeInput struct {
	JTI string    `json:"jti" doc:"The token's jti claim, at most 256 bytes"`
	Exp time.Time `json:"exp" doc:"When the token expires, RFC 3339: the revocation is kept until then; default for ever"`
}

// RevokedToken is a token that is refused from now on.
type RevokedToken struct {
	JTI string     `json:"jti"`
	Exp *time.Time `json:"exp,omitempty"`
}

type revokedAnswer struct{ Body RevokedToken }

func (s *Server) revokeToken(ctx context.Context, _ *struct{}) (*revokedAnswer, error) {
	var in RevokeInput
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, err
	}
	switch {
	case in.JTI == "":
		return nil, invalid("jti", "missing; give the token's jti claim")
	case len(in.JTI) > maxJTI:
		return nil, invalid("jti", "over 256 bytes long")
	case strings.ContainsFunc(in.JTI, unicode.IsControl):
		return nil, invalid("jti", "has a control character; leave those out")
	}
	until := in.Exp
	if !until.IsZero() {
		until = until.UTC().Add(tokenLeeway)
	}
	if err := s.Revocations.Revoke(ctx, in.JTI, until); err != nil {
		return nil, err
	}
	return &revokedAnswer{Body: RevokedToken{JTI: in.JTI, Exp: when(in.Exp)}}, nil
}
