package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport/payload/catalogue"
)

func (s *Server) eventTypeRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/event-types", id: "list-event-types",
		summary: "The catalogue of event types, with samples and JSON Schemas; types that are not in it are delivered too"}, s.listEventTypes)
}

type eventTypeQuery struct {
	Page
	Category string `query:"category" maxLength:"64" doc:"The first word of the type: access, door, audit, …"`
	Q        string `query:"q" maxLength:"200" doc:"Words to look for in the type, its description and its event_action, whatever the case"`
}

// EventTypeList is a page of the catalogue; without next_cursor it is the last.
type EventTypeList struct {
	Items      []catalogue.Entry `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

type eventTypeListAnswer struct{ Body EventTypeList }

// listEventTypes goes in the catalogue's order; a cursor names the last type of
// the page before.
func (s *Server) listEventTypes(_ context.Context, in *eventTypeQuery) (*eventTypeListAnswer, error) {
	if categories := catalogue.Categories(); in.Category != "" && !slices.Contains(categories, in.Category) {
		return nil, invalid("category", "not a category; choose "+strings.Join(categories, ", "))
	}
	after, err := in.after(listOfTypes)
	if err != nil {
		return nil, err
	}
	found := catalogue.Search(in.Category, in.Q)
	if after != "" {
		last := slices.IndexFunc(found, func(e catalogue.Entry) bool { return e.Type == after })
		if last < 0 {
			return nil, badCursor()
		}
		found = found[last+1:]
	}
	out := &eventTypeListAnswer{Body: EventTypeList{Items: found}}
	if len(found) > in.Limit {
		out.Body.Items = found[:in.Limit]
		out.Body.NextCursor = listOfTypes.cursorAt(found[in.Limit-1].Type)
	}
	return out, nil
}
