package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// ChangeLog keeps who changed what.
type ChangeLog interface {
	// Note returns when the change is durable.
	Note(ctx context.Context, c *transport.SettingChange) error
	// Changes gives those that want says, newest first.
	Changes(want func(*transport.SettingChange) bool) []transport.SettingChange
}

const (
	// noteTime bounds the noting of a change, which is made already; mostNoted is
	// the most bytes of its difference: of a larger one the fields alone are kept.
	noteTime  = 5 * time.Second
	mostNoted = 4 << 10
)

// What was done, as changes tell it.
const (
	didCreate = "created"
	didEdit   = "edited"
	didRemove = "removed"
	didPause  = "paused"
	didResume = "resumed"
	didRotate = "rotated"
)

// ShownSettingChange is a change as lists show it.
type ShownSettingChange struct {
	ID       string        `json:"id"`
	At       time.Time     `json:"at"`
	By       string        `json:"by" doc:"The sub of the token, or of the session"`
	Customer string        `json:"customer"`
	Kind     string        `json:"kind" enum:"endpoint,alert,customer"`
	Target   string        `json:"target" doc:"The id of what was changed"`
	Name     string        `json:"name" doc:"Its name at that time"`
	What     string        `json:"what" enum:"created,edited,removed,paused,resumed,rotated"`
	Changes  []ShownChange `json:"changes" doc:"What differs, of an edit; secrets, header values and what may be a secret of a URL are masked, and of a large change only the fields are named"`
}

// SettingChangeList is a page of changes; without next_cursor it is the last.
type SettingChangeList struct {
	Items      []ShownSettingChange `json:"items"`
	NextCursor string               `json:"next_cursor,omitempty"`
}

type (
	settingChangeQuery struct {
		Page
		Customer string    `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
		Kind     string    `query:"kind" enum:"endpoint,alert,customer" doc:"Of that kind only"`
		Target   string    `query:"target" maxLength:"64" doc:"Of the endpoint, alert or customer with that id only"`
		From     time.Time `query:"from" doc:"RFC 3339: made then or later"`
		To       time.Time `query:"to" doc:"RFC 3339: made before"`
	}
	settingChangesAnswer struct{ Body SettingChangeList }
)

func (s *Server) changeLogRoutes(h huma.API) {
	if s.ChangeLog == nil {
		return
	}
	handle(s, h, route{method: http.MethodGet, path: "/v1/changes", id: "list-changes", roles: adminRoles,
		summary: "Who changed endpoints, alerts and customers, and what, newest first: 10,000 changes of 400 days at most, the oldest of the customer with the most leave first"}, s.listSettingChanges)
}

func (s *Server) listSettingChanges(ctx context.Context, in *settingChangeQuery) (*settingChangesAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	before, err := in.after(listOfChanges)
	if err != nil {
		return nil, err
	}
	found := s.ChangeLog.Changes(func(c *transport.SettingChange) bool {
		return who.sees(c.Customer) && (customer == "" || c.Customer == customer) && (in.Kind == "" || c.Kind == in.Kind) &&
			(in.Target == "" || c.Target == in.Target) && (before == "" || c.ID < before) &&
			!c.At.Before(in.From) && (in.To.IsZero() || c.At.Before(in.To))
	})
	out := &settingChangesAnswer{}
	out.Body.Items, out.Body.NextCursor = pageOf(listOfChanges, found, in.Limit, func(c transport.SettingChange) string { return c.ID }, shownSettingChange)
	return out, nil
}

func shownSettingChange(c transport.SettingChange) ShownSettingChange {
	shown := ShownSettingChange{ID: c.ID, At: c.At, By: c.By, Customer: c.Customer, Kind: c.Kind, Target: c.Target, Name: c.Name, What: c.What, Changes: []ShownChange{}}
	_ = json.Unmarshal(c.Changes, &shown.Changes) // written here; what another version wrote is left out
	return shown
}

// noted keeps a change that was made. That it cannot be kept undoes nothing: the
// log says so.
func (s *Server) noted(ctx context.Context, c transport.SettingChange, changes []ShownChange) {
	if s.ChangeLog == nil {
		return
	}
	c.ID, c.At, c.By = uuid.Must(uuid.NewV7()).String(), s.Now().UTC(), callerOf(ctx).subject
	raw, err := json.Marshal(changes)
	if len(raw) > mostNoted {
		fields := make([]ShownChange, 0, len(changes))
		for _, one := range changes {
			fields = append(fields, ShownChange{Field: one.Field})
		}
		raw, err = json.Marshal(fields)
	}
	if len(changes) > 0 && err == nil && len(raw) <= mostNoted {
		c.Changes = raw
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err := s.ChangeLog.Note(ctx, &c); err != nil {
		s.Logger.Error("a change was made, and who made it could not be noted", "kind", c.Kind, "id", c.Target, "customer", c.Customer, "by", c.By, "what", c.What, "error", err)
	}
}

// notedEndpoint keeps what was done to an endpoint; old nil: it is new.
func (s *Server) notedEndpoint(ctx context.Context, what string, old, ep *transport.Endpoint) {
	var changes []ShownChange
	if what == didEdit {
		changes, _ = changesOf(show(old), show(ep)) // of what was shown as JSON before
		changes = append(withoutSecrets(changes), hiddenChanges(old, ep)...)
	}
	s.noted(ctx, transport.SettingChange{Customer: ep.Customer, Kind: transport.ChangedEndpoint, Target: ep.ID, Name: ep.Name, What: what}, changes)
}

// withoutSecrets masks what may be a secret of URLs.
func withoutSecrets(changes []ShownChange) []ShownChange {
	for i := range changes {
		if changes[i].Field != "url" {
			continue
		}
		for _, value := range []*json.RawMessage{&changes[i].From, &changes[i].To} {
			var raw string
			if json.Unmarshal(*value, &raw) == nil {
				*value, _ = json.Marshal(urlToShow(raw)) // a text always has a JSON form
			}
		}
	}
	return changes
}

// hiddenChanges are those of values that are masked before and after.
func hiddenChanges(old, ep *transport.Endpoint) (changes []ShownChange) {
	masked, _ := json.Marshal(transport.Masked) // a text always has a JSON form
	differs := func(field string, a, b string) {
		if a != "" && b != "" && a != b {
			changes = append(changes, ShownChange{Field: field, From: masked, To: masked})
		}
	}
	for name, value := range old.Headers {
		differs("headers."+name, value, ep.Headers[name])
	}
	differs("secret", old.Secrets.Current, ep.Secrets.Current)
	differs("tls.client_key", old.TLS.ClientKey, ep.TLS.ClientKey)
	return changes
}

// notedAlert keeps what was done to an alert.
func (s *Server) notedAlert(ctx context.Context, what string, old, a *matching.Alert) {
	var changes []ShownChange
	if what == didEdit {
		changes = differences(showAlert(old), showAlert(a))
	}
	s.noted(ctx, transport.SettingChange{Customer: a.Customer, Kind: transport.ChangedAlert, Target: a.ID, Name: a.AlertName, What: what}, changes)
}

// notedCustomer keeps what was done to a customer.
func (s *Server) notedCustomer(ctx context.Context, what string, old, c *transport.Customer) {
	var changes []ShownChange
	if what == didEdit {
		changes = differences(old, c)
	}
	s.noted(ctx, transport.SettingChange{Customer: c.ID, Kind: transport.ChangedCustomer, Target: c.ID, Name: c.Name, What: what}, changes)
}

// differences tells what differs of two things of one kind, times of making aside.
func differences(before, after any) []ShownChange {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	old, err1 := objectOf(before)
	next, err2 := objectOf(after)
	if err1 != nil || err2 != nil {
		return nil // it was shown as JSON before
	}
	for _, name := range []string{"created_at", "updated_at", "revision"} {
		delete(old, name)
		delete(next, name)
	}
	changes, _ := appendChanges(nil, old, next, "")
	return changes
}
