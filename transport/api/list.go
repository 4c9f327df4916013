package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/postrider/postrider/transport"
)

// Page asks for a part of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Most items of the answer"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
}

// after gives the key behind which the page begins; empty: at the beginning.
func (p *Page) after() (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", badCursor()
	}
	return string(key), nil
}

func badCursor() *Error {
	return invalid("cursor", "not one of ours; give the next_cursor of the page before, or leave it out")
}

func cursorAt(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

type endpointQuery struct {
	Page
	Customer string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Kind     string `query:"kind" enum:"webhook,email" default:"webhook" doc:"email: the mailboxes, which are made from the addresses of alerts and customers"`
}

// EndpointList is a page of endpoints; without next_cursor it is the last.
type EndpointList struct {
	Items      []*ShownEndpoint `json:"items"`
	NextCursor string           `json:"next_cursor,omitempty"`
}

type endpointListAnswer struct{ Body EndpointList }

// listEndpoints goes by id: ids are made in order of time, so that a page's
// place does not move when endpoints come and go.
func (s *Server) listEndpoints(ctx context.Context, in *endpointQuery) (*endpointListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	var found []*transport.Endpoint
	for _, ep := range s.endpoints(customer, in.Kind) {
		if ep.ID > after && who.sees(ep.Customer) && mayHandle(who, ep) == nil {
			found = append(found, ep)
		}
	}
	slices.SortFunc(found, func(a, b *transport.Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	standings := s.allStandings(ctx)
	out := &endpointListAnswer{}
	out.Body.Items, out.Body.NextCursor = pageOf(found, in.Limit, endpointKey, func(ep *transport.Endpoint) *ShownEndpoint {
		shown := show(ep)
		if st, known := standings[ep.ID]; known {
			shown.stand(&st)
		}
		return shown
	})
	return out, nil
}

// maxPage is the most bytes of a page's items as JSON, but for a first one that
// is larger by itself.
const maxPage = 1 << 20

// pageOf is the first of found, which goes by key, as they are shown: limit at
// most, and no more than maxPage takes; next is the cursor of the page after it.
func pageOf[T, S any](found []T, limit int, key func(T) string, show func(T) S) (page []S, next string) {
	page = []S{}
	room := maxPage
	for i, one := range found[:min(len(found), limit)] {
		shown := show(one)
		if room -= sizeOf(shown); room < 0 && i > 0 {
			break
		}
		page = append(page, shown)
	}
	if n := len(page); n < len(found) {
		next = cursorAt(key(found[n-1]))
	}
	return page, next
}

// sizeOf is how many bytes v is as JSON, beside the comma.
func sizeOf(v any) int {
	var size counter
	if err := json.NewEncoder(&size).Encode(v); err != nil {
		return 0 // the answer itself will tell
	}
	return int(size)
}

// counter counts what is written.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func endpointKey(ep *transport.Endpoint) string { return ep.ID }

// listsOf is actsFor, but an operator that names nobody means everybody.
func (c *caller) listsOf(named string) (string, error) {
	if named == "" && c.operator() {
		return "", nil
	}
	return c.actsFor(named)
}
