package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// Deliveries is the delivery log; one that is not there is transport.ErrNotFound.
type Deliveries interface {
	List(ctx context.Context, f transport.DeliveryFilter) (*transport.DeliveryPage, error)
	// Delivery gives one with its records.
	Delivery(ctx context.Context, p transport.Pair) (*transport.LoggedDelivery, error)
	// Series counts over time; Follow gives what changes from now on.
	Series(ctx context.Context, f transport.SeriesFilter) (*transport.DeliverySeries, error)
	Follow(f transport.DeliveryFilter) (transport.DeliveryFeed, error)
	// Waiting tells of those endpoints that are owed something how long it waits.
	Waiting(ctx context.Context, endpoints []string) (map[string]transport.WaitingSpan, error)
}

func (s *Server) deliveryRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/deliveries", id: "list-deliveries",
		summary: "List deliveries, newest first"}, s.listDeliveries)
	handle(s, h, route{method: http.MethodGet, path: "/v1/deliveries/{id}", id: "show-delivery", roles: readerRoles,
		summary: "Show a delivery, its event, what was sent and its attempts"}, s.showDelivery)
}

// DeliveryItem is a delivery as lists show it: one event owed to one endpoint.
type DeliveryItem struct {
	ID       string       `json:"id"`
	Customer string       `json:"customer"`
	Endpoint string       `json:"endpoint" doc:"Empty: the event was skipped as a whole"`
	Replay   uint64       `json:"replay" doc:"0: the first delivery"`
	Event    *LetterEvent `json:"event"`
	State    string       `json:"state" enum:"waiting,retrying,delivered,dead_lettered,skipped"`
	Reason   string       `json:"reason" doc:"Of the outcome, or of the last attempt that failed"`
	// Status and Class are the last attempt's.
	Status       int        `json:"status" doc:"HTTP status of the last attempt; 0: no answer came"`
	Class        string     `json:"class"`
	AttemptCount int        `json:"attempt_count"`
	Since        time.Time  `json:"created_at"`
	Changed      time.Time  `json:"updated_at"`
	NextAt       *time.Time `json:"next_attempt_at,omitempty"`
}

// DeliveryList is a page of deliveries; without next_cursor it is the last.
type DeliveryList struct {
	Items      []DeliveryItem `json:"items"`
	NextCursor string         `json:"next_cursor,omitempty"`
	Total      *int           `json:"total,omitempty" doc:"With total=true: how many there are on all pages, at most 10000"`
	TotalMore  bool           `json:"total_more,omitempty" doc:"There are more than total"`
	// CompleteFrom is left out where the log is whole.
	CompleteFrom *time.Time `json:"complete_from,omitempty" doc:"From this time on every delivery is in the log; of older ones only some are"`
}

type deliveryQuery struct {
	Page
	Customer string    `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Endpoint string    `query:"endpoint" maxLength:"64" doc:"To that endpoint only"`
	Event    string    `query:"event" maxLength:"273" doc:"Of the event with that id only"`
	Type     string    `query:"type" maxLength:"256" doc:"Of that type only, or of a pattern such as access.>"`
	Status   string    `query:"status" maxLength:"256" doc:"A state (waiting, retrying, delivered, dead_lettered, skipped), or of the last attempt a class (failed, throttled, gone, refused) or an HTTP status. Several with commas between them: those that fit any"`
	From     time.Time `query:"from" doc:"RFC 3339: those that became owed then or later"`
	To       time.Time `query:"to" doc:"RFC 3339: those that became owed before"`
	Total    bool      `query:"total" doc:"Count as well how many there are on all pages"`
}

type (
	deliveryID struct {
		ID string `path:"id" maxLength:"128" doc:"The delivery's id"`
	}
	deliveryListAnswer struct{ Body DeliveryList }
	deliveryAnswer     struct{ Body ShownDelivery }
)

func (s *Server) listDeliveries(ctx context.Context, in *deliveryQuery) (*deliveryListAnswer, error) {
	who := callerOf(ctx)
	f, err := in.filter(who)
	if err != nil {
		return nil, err
	}
	page, err := s.Deliveries.List(ctx, *f)
	if err != nil {
		return nil, err
	}
	out := &deliveryListAnswer{Body: DeliveryList{Items: []DeliveryItem{}}}
	for i := range page.Deliveries {
		if who.sees(page.Deliveries[i].Customer) {
			out.Body.Items = append(out.Body.Items, deliveryItem(&page.Deliveries[i]))
		}
	}
	if page.Next != "" {
		out.Body.NextCursor = listOfDeliveries.cursorAt(page.Next)
	}
	if in.Total {
		out.Body.Total, out.Body.TotalMore = &page.Total, page.More
	}
	if !page.CompleteFrom.IsZero() {
		out.Body.CompleteFrom = &page.CompleteFrom
	}
	return out, nil
}

// filter is what the query asks for, of what who may see.
func (in *deliveryQuery) filter(who *caller) (*transport.DeliveryFilter, error) {
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	cursor, err := in.after(listOfDeliveries)
	if err != nil {
		return nil, err
	}
	if err := checkEndpointID(in.Endpoint); err != nil {
		return nil, err
	}
	if !in.To.IsZero() && in.To.Before(in.From) {
		return nil, invalid("to", "lies before from; swap them")
	}
	id, err := transport.EventID(in.Event)
	if err != nil {
		return nil, err
	}
	f := &transport.DeliveryFilter{Customer: customer, Endpoint: in.Endpoint, EventID: id, EventType: in.Type,
		From: in.From, To: in.To, Cursor: cursor, Limit: in.Limit, Total: in.Total}
	if in.Status != "" {
		err = f.SetStatus(in.Status)
	}
	return f, err
}

func deliveryItem(d *transport.LoggedDelivery) DeliveryItem {
	item := DeliveryItem{ID: transport.DeliveryID(d.Pair), Customer: d.Customer, Endpoint: d.Endpoint, Replay: d.Replay,
		Event: &LetterEvent{ID: d.EventID, Type: d.EventType}, State: d.State.String(), Reason: d.Reason,
		Status: d.Status, Class: d.Class.String(), AttemptCount: d.Attempts, Since: d.Since, Changed: d.Changed}
	if !d.NextAt.IsZero() {
		item.NextAt = &d.NextAt
	}
	return item
}

// findDelivery gives a delivery that the caller may see.
func (s *Server) findDelivery(ctx context.Context, id string) (*transport.LoggedDelivery, error) {
	pair, err := transport.ParseDeliveryID(id)
	if err != nil {
		return nil, notFound("Delivery", id)
	}
	d, err := s.Deliveries.Delivery(ctx, pair)
	if isNotFound(err) || err == nil && !callerOf(ctx).sees(d.Customer) {
		return nil, notFound("Delivery", id)
	}
	return d, err
}
