package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

func isNotFound(err error) bool { return errors.Is(err, transport.ErrNotFound) }

func (s *Server) nodeRoutes(h huma.API) {
	s.auditRoutes(h)
	handle(s, h, route{method: http.MethodGet, path: "/v1/info", id: "info", open: true, summary: "The node"}, s.info)
	handle(s, h, route{method: http.MethodGet, path: "/v1/egress", id: "egress",
		summary: "The addresses that deliveries come from, for allow lists"}, s.egress)
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	if s.Metrics != nil {
		s.mux.Handle("GET /metrics", s.Metrics)
	}
}

// Info describes a node.
type Info struct {
	Version   string    `json:"version"`
	Mode      string    `json:"mode" enum:"development,production"`
	Node      string    `json:"node,omitempty"`
	StartedAt time.Time `json:"started_at"`
	NATS      InfoNATS  `json:"nats"`
	// Ledger is where event ids are remembered.
	Ledger string `json:"ledger,omitempty" enum:"jetstream,redis"`
	Shards int    `json:"shards,omitempty"`
	// Role is what the node is to the shard, Owner who owns it.
	Role  string     `json:"role,omitempty" enum:"owner,standby"`
	Owner *InfoOwner `json:"owner,omitempty"`
}

// What a node is to the shard.
const (
	NodeOwner   = "owner"
	NodeStandby = "standby"
)

// InfoOwner is who owns the shard.
type InfoOwner struct {
	Node  string    `json:"node"`
	Epoch uint64    `json:"epoch" doc:"grows each time the shard is taken"`
	Since time.Time `json:"since" doc:"when its record was written"`
}

// InfoNATS tells where producers publish.
type InfoNATS struct {
	Embedded bool   `json:"embedded"`
	Listen   string `json:"listen" doc:"host:port for producers; empty: none"`
	Sync     string `json:"sync,omitempty" doc:"always, or how long writes may stay unsynced"`
}

// Lack is a part that is missing.
type Lack struct {
	Part   string `json:"part"`
	Detail string `json:"detail"`
	// Bearable: the node is ready without it, and says so.
	Bearable bool `json:"-"`
}

// Egress lists where deliveries come from; empty: whatever the machine's own is.
type Egress struct {
	Addresses []string `json:"addresses"`
}

type (
	infoAnswer   struct{ Body Info }
	egressAnswer struct{ Body Egress }
)

func (s *Server) info(context.Context, *struct{}) (*infoAnswer, error) {
	info := Info{}
	if s.Info != nil {
		info = s.Info()
	}
	if info.Version == "" {
		info.Version = s.Version
	}
	info.Mode = "production"
	if s.Dev {
		info.Mode = "development"
	}
	return &infoAnswer{Body: info}, nil
}

func (s *Server) egress(context.Context, *struct{}) (*egressAnswer, error) {
	out := &egressAnswer{Body: Egress{Addresses: []string{}}}
	if s.Egress != nil {
		out.Body.Addresses = append(out.Body.Addresses, s.Egress()...)
	}
	return out, nil
}

// healthz tells that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz tells whether the node can work, and what is missing.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	var missing []Lack
	if s.Ready != nil {
		missing = s.Ready(r.Context())
	}
	if s.Keys != nil {
		if lack := s.Keys.Lack(); lack != nil {
			missing = append(slices.Clip(missing), *lack)
		}
	}
	if len(missing) == 0 {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return
	}
	if !slices.ContainsFunc(missing, func(l Lack) bool { return !l.Bearable }) {
		writeJSON(w, http.StatusOK, map[string]any{"status": "ready", "missing": missing})
		return
	}
	parts := make([]string, len(missing))
	for i, lack := range missing {
		parts[i] = lack.Part
	}
	e := &Error{status: http.StatusServiceUnavailable, Message: "Not ready, missing: " + strings.Join(parts, ", "),
		Type: "NotReadyError", Code: "NOT_READY", Details: map[string]any{"missing": missing}}
	writeError(w, e)
}
