package api

import (
	"context"
	"encoding/json"
)

// PreflightInput is an endpoint that is not saved, and the sample to send it.
type PreflightInput struct {
	Endpoint EndpointInput   `json:"endpoint" doc:"As for creating it; from is left aside"`
	Type     string          `json:"type" doc:"The event's type; by default one that fits the profile"`
	Data     json.RawMessage `json:"data" doc:"The event's document; by default a sample"`
	DryRun   bool            `json:"dry_run" doc:"Show the request, headers and body, without sending it"`
}

// testUnsaved tries an endpoint out as it would be created, and keeps nothing.
func (s *Server) testUnsaved(ctx context.Context, _ *struct{}) (*testAnswer, error) {
	var in struct {
		Endpoint json.RawMessage `json:"endpoint"`
		Type     string          `json:"type"`
		Data     json.RawMessage `json:"data"`
		DryRun   bool            `json:"dry_run"`
	}
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, err
	}
	if len(in.Endpoint) == 0 || string(in.Endpoint) == "null" {
		return nil, invalid("endpoint", "missing; give what it would be created with, such as {\"url\":\"https://…\"}")
	}
	ep, err := s.newEndpoint(callerOf(ctx), in.Endpoint)
	if err != nil {
		return nil, err
	}
	if err := s.prepareNew(ctx, ep); err != nil {
		return nil, err
	}
	return s.try(ctx, ep, &TestInput{Type: in.Type, Data: in.Data, DryRun: in.DryRun})
}
