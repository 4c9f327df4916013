package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

func (s *Server) auditRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/audit", id: "audit",
		summary: "What was owed and what became of it, at a cut of the log"}, s.audit)
}

type auditQuery struct {
	From     time.Time `query:"from" doc:"RFC 3339; default: the beginning"`
	To       time.Time `query:"to" doc:"RFC 3339; default: now"`
	Customer string    `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	MaxAge   string    `query:"max_age" maxLength:"16" doc:"One that was made at most so long ago will do, such as 5m: an audit reads the whole journal. Default: a new one; not with from or to"`
	Lines    int       `query:"lines" minimum:"0" maximum:"1000000" default:"1000000" doc:"At most so many endpoints: those with most missing, then with most dead-lettered and waiting"`
}

// ShownAudit is an audit with its sums, and when it was made.
type ShownAudit struct {
	transport.Audit
	Total AuditTotal `json:"total" doc:"Of all endpoints, those left out by lines included"`
	At    time.Time  `json:"at"`
}

// AuditTotal adds up all endpoints.
type AuditTotal struct {
	Endpoints    int    `json:"endpoints"`
	Owed         uint64 `json:"owed"`
	Delivered    uint64 `json:"delivered"`
	DeadLettered uint64 `json:"dead_lettered"`
	Skipped      uint64 `json:"skipped"`
	Waiting      uint64 `json:"waiting"`
	Missing      uint64 `json:"missing"`
	Repeated     uint64 `json:"repeated"`
}

type auditAnswer struct{ Body *ShownAudit }

func (s *Server) audit(ctx context.Context, in *auditQuery) (*auditAnswer, error) {
	customer, err := callerOf(ctx).listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	if !in.To.IsZero() && in.To.Before(in.From) {
		return nil, invalid("to", "lies before from; swap them")
	}
	age := time.Duration(0)
	if in.MaxAge != "" {
		if age, err = time.ParseDuration(in.MaxAge); err != nil || age < 0 {
			return nil, &transport.FieldError{Field: "max_age", Value: in.MaxAge, Message: "not a time such as 5m"}
		}
		if !in.From.IsZero() || !in.To.IsZero() {
			return nil, invalid("max_age", "given beside from or to; leave it out")
		}
	}
	made, err := s.auditOf(ctx, in, customer, age)
	if err != nil {
		return nil, err
	}
	shown := *made
	shown.Endpoints = worstOf(made.Endpoints, in.Lines)
	return &auditAnswer{Body: &shown}, nil
}

// auditOf makes an audit, or gives the last one where that is young enough.
// Those who would take one of before wait for the one that is being made.
func (s *Server) auditOf(ctx context.Context, in *auditQuery, customer string, age time.Duration) (*ShownAudit, error) {
	if age == 0 {
		return s.makeAudit(ctx, in.From, in.To, customer)
	}
	turn := s.audits.of(customer)
	select {
	case turn.busy <- struct{}{}:
		defer func() { <-turn.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if turn.last != nil && s.Now().Sub(turn.last.At) <= age {
		return turn.last, nil
	}
	made, err := s.makeAudit(ctx, time.Time{}, time.Time{}, customer)
	if err == nil {
		turn.last = made
	}
	return made, err
}

func (s *Server) makeAudit(ctx context.Context, from, to time.Time, customer string) (*ShownAudit, error) {
	at := s.Now().UTC()
	audit, err := s.Auditor.Audit(ctx, from, to, customer)
	if err != nil {
		return nil, err
	}
	made := &ShownAudit{Audit: *audit, At: at, Total: AuditTotal{Endpoints: len(audit.Endpoints)}}
	for i := range audit.Endpoints {
		made.Total.add(&audit.Endpoints[i])
	}
	return made, nil
}

func (t *AuditTotal) add(e *transport.EndpointAudit) {
	t.Owed += e.Owed
	t.Delivered += e.Delivered
	t.DeadLettered += e.DeadLettered
	t.Skipped += e.Skipped
	t.Waiting += e.Waiting
	t.Missing += e.Missing
	t.Repeated += e.Repeated
}

// worstOf are at most so many of lines, which stay as they are.
func worstOf(lines []transport.EndpointAudit, most int) []transport.EndpointAudit {
	if len(lines) <= most {
		return append([]transport.EndpointAudit{}, lines...)
	}
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b transport.EndpointAudit) int {
		return cmp.Or(cmp.Compare(b.Missing, a.Missing), cmp.Compare(b.DeadLettered+b.Waiting, a.DeadLettered+a.Waiting))
	})
	return sorted[:most:most]
}

// maxAudits bounds the customers whose last audit is kept.
const maxAudits = 1000

// audits keep the last one of each customer that was asked for by those whom one
// of before will do.
type audits struct {
	mu   sync.Mutex
	last map[string]*auditTurn
}

// auditTurn has a place for who makes one; last is who's in it.
type auditTurn struct {
	busy chan struct{}
	last *ShownAudit
}

func (a *audits) of(customer string) *auditTurn {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil || len(a.last) >= maxAudits {
		a.last = map[string]*auditTurn{}
	}
	turn, there := a.last[customer]
	if !there {
		turn = &auditTurn{busy: make(chan struct{}, 1)}
		a.last[customer] = turn
	}
	return turn
}
