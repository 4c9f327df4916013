package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

const (
	// groupedLetters and groupingTime bound how many letters are looked at.
	groupedLetters = 20_000
	groupingTime   = 2 * time.Second
	maxGroups      = 500
)

func (s *Server) groupRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/deadletters/groups", id: "group-deadletters",
		summary: "Count what was given up by endpoint and reason"}, s.groupLetters)
}

// LetterGroup are the dead letters of one endpoint that have one reason.
type LetterGroup struct {
	Customer string    `json:"customer"`
	Endpoint string    `json:"endpoint" doc:"Empty: documents that could not be read"`
	Reason   string    `json:"reason"`
	Count    uint64    `json:"count"`
	First    time.Time `json:"first" doc:"When the oldest of them was given up"`
	Last     time.Time `json:"last"`
	Detail   string    `json:"detail" doc:"Of the newest"`
}

// LetterGroups are the groups, the largest first.
type LetterGroups struct {
	Items    []LetterGroup `json:"items"`
	Letters  uint64        `json:"letters" doc:"How many were looked at, the newest first"`
	Complete bool          `json:"complete" doc:"false: there are more letters than were looked at, at most 20,000 in 2 s"`
}

type groupsAnswer struct{ Body LetterGroups }

func (s *Server) groupLetters(ctx context.Context, in *LetterChoice) (*groupsAnswer, error) {
	who := callerOf(ctx)
	f, err := in.filter(who)
	if err != nil {
		return nil, err
	}
	free, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	f.Limit = transport.MaxDeliveries
	groups := map[LetterGroup]*LetterGroup{}
	out := LetterGroups{Items: []LetterGroup{}}
	for end := time.Now().Add(groupingTime); !out.Complete && out.Letters < groupedLetters && time.Now().Before(end); {
		page, next, err := s.Letters.DeadLetters(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if who.sees(page[i].Customer) {
				out.Letters++
				put(groups, &page[i])
			}
		}
		f.Before, out.Complete = next, next == 0
	}
	for _, g := range groups {
		out.Items = append(out.Items, *g)
	}
	slices.SortFunc(out.Items, func(a, b LetterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Reason, b.Reason))
	})
	if len(out.Items) > maxGroups {
		out.Items, out.Complete = out.Items[:maxGroups], false
	}
	return &groupsAnswer{Body: out}, nil
}

// put counts a letter, which is older than those before it.
func put(groups map[LetterGroup]*LetterGroup, l *transport.DeadLetter) {
	key := LetterGroup{Customer: l.Customer, Endpoint: l.Endpoint, Reason: l.Reason}
	g, there := groups[key]
	if !there {
		g = &LetterGroup{Customer: l.Customer, Endpoint: l.Endpoint, Reason: l.Reason, Last: l.At, Detail: l.Detail}
		groups[key] = g
	}
	g.Count++
	g.First = l.At
}
