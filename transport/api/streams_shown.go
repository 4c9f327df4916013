package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// StreamState is a stream of NATS that the node keeps things in.
type StreamState struct {
	Name     string `json:"name"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes" doc:"Its share of the disk; 0 or less: none of its own"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Error    string `json:"error,omitempty" doc:"In place of the rest, where the server did not tell"`
}

// StreamStates are all of them.
type StreamStates struct {
	Items []StreamState `json:"items"`
	// MaxStore bounds the embedded server's disk use.
	MaxStore int64 `json:"max_store" doc:"What the embedded server may use of the disk, in bytes; 0: unknown"`
}

type streamStatesAnswer struct{ Body StreamStates }

func (s *Server) streamStateRoutes(h huma.API) {
	if s.StreamStates == nil {
		return
	}
	handle(s, h, route{method: http.MethodGet, path: "/v1/streams", id: "list-streams", operator: true,
		summary: "The streams of NATS: how much they hold, and how much they may"}, func(context.Context, *struct{}) (*streamStatesAnswer, error) {
		return &streamStatesAnswer{Body: s.StreamStates()}, nil
	})
}
