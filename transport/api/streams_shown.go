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
	Level    string `json:"level,omitempty" enum:"near,reached" doc:"How it stands with its bound; not there: well within, or without one of its own"`
	Remedy   string `json:"remedy,omitempty" doc:"What to do where it is near or reached"`
	Error    string `json:"error,omitempty" doc:"In place of the rest, where the server did not tell"`
}

// StreamStates are all of them.
type StreamStates struct {
	Items []StreamState `json:"items"`
	// MaxStore bounds the embedded server's disk use.
	MaxStore int64 `json:"max_store" doc:"What all streams may use of the disk together, in bytes; 0: nothing bounds it, or it is unknown"`
	// Used is what they use of it.
	Used int64 `json:"used" doc:"What they use of it, in bytes; others' streams in the account included"`
	// LogRoom is what quota.log_share is a share of.
	LogRoom int64 `json:"log_room" doc:"What the log may have, large payloads included, in bytes: quota.log_share is a share of it; 0: nothing bounds it"`
	// Level and Remedy are of all together.
	Level  string `json:"level,omitempty" enum:"near,reached" doc:"near: little is left for all together; reached: publishing is refused to all"`
	Text   string `json:"text,omitempty" doc:"How much is left, and who has most, where level is there"`
	Remedy string `json:"remedy,omitempty"`
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
