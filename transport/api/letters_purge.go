package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

func (s *Server) purgeRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodDelete, path: "/v1/deadletters", id: "purge-deadletters", roles: adminRoles,
		summary: "Delete the dead letters that a filter chooses, for good; dry_run tells how many"}, s.purgeLetters)
}

// LetterChoice is what dead letters are chosen by.
type LetterChoice struct {
	Customer string    `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Endpoint string    `query:"endpoint" maxLength:"64" doc:"Of that endpoint only"`
	Reason   string    `query:"reason" maxLength:"64" doc:"Given up for that reason only"`
	From     time.Time `query:"from" doc:"RFC 3339: those given up then or later"`
	To       time.Time `query:"to" doc:"RFC 3339: those given up before"`
}

// filter is what the choice means for who asks.
func (in *LetterChoice) filter(who *caller) (f transport.LetterFilter, err error) {
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return f, err
	}
	if err := cmp.Or(checkEndpointID(in.Endpoint), checkReason(in.Reason)); err != nil {
		return f, err
	}
	if !in.To.IsZero() && in.To.Before(in.From) {
		return f, invalid("to", "lies before from; swap them")
	}
	return transport.LetterFilter{Customer: customer, Endpoint: in.Endpoint, Reason: in.Reason, From: in.From, To: in.To}, nil
}

type purgeQuery struct {
	LetterChoice
	DryRun bool `query:"dry_run" doc:"Tell how many there are, and delete none"`
}

// PurgedLetters tells how many dead letters were deleted, or would be.
type PurgedLetters struct {
	Count  uint64 `json:"count"`
	DryRun bool   `json:"dry_run"`
}

type purgedAnswer struct{ Body PurgedLetters }

func (s *Server) purgeLetters(ctx context.Context, in *purgeQuery) (*purgedAnswer, error) {
	f, err := in.filter(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	if in.Customer+f.Endpoint+f.Reason == "" && f.From.IsZero() && f.To.IsZero() {
		return nil, invalid("endpoint", "missing; give endpoint, reason, from, to or customer, so that not everything is deleted")
	}
	do := s.Letters.PurgeDeadLetters
	if in.DryRun {
		do = s.Letters.CountDeadLetters
	}
	n, err := do(ctx, f)
	return &purgedAnswer{Body: PurgedLetters{Count: n, DryRun: in.DryRun}}, err
}
