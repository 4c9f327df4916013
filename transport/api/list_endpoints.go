package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

type endpointQuery struct {
	Page
	Customer string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Kind     string `query:"kind" enum:"webhook,email" default:"webhook" doc:"email: the mailboxes, which are made from the addresses of alerts and customers"`
	IDs      string `query:"ids" maxLength:"3700" doc:"Those with these ids only, mailboxes too: at most 100, a comma between"`
	Q        string `query:"q" maxLength:"200" doc:"Those that have each of these words in their name, URL, id, customer, or event patterns"`
	State    string `query:"state" enum:"active,paused,failing,disabled" doc:"In that state only"`
	Sort     string `query:"sort" enum:"age,trouble" default:"age" doc:"age: oldest first; trouble: failing ones first, then disabled, paused, active, of each those first for which most waits"`
	Counts   bool   `query:"counts" doc:"Count what the filter chooses, by state"`
}

// EndpointList is a page of endpoints; without next_cursor it is the last.
type EndpointList struct {
	Items      []*ShownEndpoint `json:"items"`
	NextCursor string           `json:"next_cursor,omitempty"`
	Counts     *EndpointCounts  `json:"counts,omitempty"`
}

// EndpointCounts counts endpoints by state; those in state are chosen by the
// filter but for its own state.
type EndpointCounts struct {
	All      int `json:"all"`
	Active   int `json:"active"`
	Paused   int `json:"paused"`
	Failing  int `json:"failing"`
	Disabled int `json:"disabled"`
}

type endpointListAnswer struct{ Body EndpointList }

// listed is an endpoint of a list, with its place in it.
type listed struct {
	ep       *transport.Endpoint
	standing transport.Standing
	state    string
	key      string
}

// listEndpoints goes by id: ids are made in order of time, so that a page's
// place does not move when endpoints come and go. By trouble it does.
func (s *Server) listEndpoints(ctx context.Context, in *endpointQuery) (*endpointListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	after, err := in.after(listOfEndpoints)
	if err != nil {
		return nil, err
	}
	out := &endpointListAnswer{}
	counts := &EndpointCounts{}
	words := strings.Fields(strings.ToLower(in.Q))
	standings := s.allStandings(ctx)
	var found []listed
	all := s.endpoints(customer, in.Kind)
	if in.IDs != "" {
		if all, err = s.endpointsOfIDs(strings.Split(in.IDs, ",")); err != nil {
			return nil, err
		}
	}
	for _, ep := range all {
		if customer != "" && ep.Customer != customer || !who.sees(ep.Customer) || mayHandle(who, ep) != nil || !hasWords(ep, words) {
			continue
		}
		one := listed{ep: ep, standing: standings[ep.ID], key: ep.ID}
		one.state = stateShown(ep, &one.standing)
		counts.add(one.state)
		if in.Sort == "trouble" {
			one.key = troubleKey(&one)
		}
		if one.key > after && (in.State == "" || in.State == one.state) {
			found = append(found, one)
		}
	}
	if in.Counts {
		out.Body.Counts = counts
	}
	slices.SortFunc(found, func(a, b listed) int { return cmp.Compare(a.key, b.key) })
	out.Body.Items, out.Body.NextCursor = pageOf(listOfEndpoints, found, in.Limit, func(l listed) string { return l.key }, func(l listed) *ShownEndpoint {
		shown := show(l.ep)
		if _, known := standings[l.ep.ID]; known {
			shown.stand(&l.standing)
		}
		return shown
	})
	s.tellWaiting(ctx, out.Body.Items...)
	return out, nil
}

// maxIDs is how many endpoints may be asked for by id at once.
const maxIDs = 100

// endpointsOfIDs are those of ids that are there, each once.
func (s *Server) endpointsOfIDs(ids []string) ([]*transport.Endpoint, error) {
	if len(ids) > maxIDs {
		return nil, invalid("ids", "over 100 of them; ask for some at a time")
	}
	found := map[string]*transport.Endpoint{}
	for _, id := range ids {
		if id == "" || checkEndpointID(id) != nil {
			return nil, &transport.FieldError{Field: "ids", Value: id, Message: "not an endpoint's id, which is a UUID"}
		}
		if ep, there := s.endpoint(id); there {
			found[id] = ep
		}
	}
	return slices.Collect(maps.Values(found)), nil
}

func hasWords(ep *transport.Endpoint, words []string) bool {
	return hasAll(words, ep.Name, ep.URL, ep.Address, ep.ID, ep.Customer, strings.Join(ep.Events, " "))
}

// hasAll tells whether each of words, in lower case, is in one of texts.
func hasAll(words []string, texts ...string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join(texts, " "))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// stateShown is the state as the endpoint is shown.
func stateShown(ep *transport.Endpoint, st *transport.Standing) string {
	switch {
	case !ep.Enabled:
		return transport.StateDisabled
	case ep.State == transport.StateActive && st.State == transport.StateFailing:
		return transport.StateFailing
	}
	return cmp.Or(ep.State, transport.StateActive) // some of before were registered without one
}

func (c *EndpointCounts) add(state string) {
	c.All++
	switch state {
	case transport.StatePaused:
		c.Paused++
	case transport.StateFailing:
		c.Failing++
	case transport.StateDisabled:
		c.Disabled++
	default:
		c.Active++
	}
}

// troubleKey orders by state, then by how much waits, then by age.
func troubleKey(l *listed) string {
	rank := map[string]int{transport.StateFailing: 0, transport.StateDisabled: 1, transport.StatePaused: 2}
	at, known := rank[l.state]
	if !known {
		at = 3
	}
	const most = 1<<40 - 1
	return fmt.Sprintf("%d.%013d.%s", at, most-min(l.standing.Waiting, most), l.ep.ID)
}

func endpointKey(ep *transport.Endpoint) string { return ep.ID }
