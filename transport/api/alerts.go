package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Alerts keeps alerts. What it returns is shared and is not changed here.
type Alerts interface {
	// Alert gives an alert, and the revision of that state.
	Alert(id string) (a *matching.Alert, revision uint64, there bool)
	// Alerts gives those of a customer; an empty one means all.
	Alerts(customer string) []*matching.Alert
	// CreateAlert makes the customer too where it is new. It and UpdateAlert
	// give the new revision.
	CreateAlert(ctx context.Context, a *matching.Alert) (uint64, error)
	// UpdateAlert replaces the state of that revision, and fails with
	// transport.ErrConflict where another writer was first.
	UpdateAlert(ctx context.Context, a *matching.Alert, revision uint64) (uint64, error)
	RemoveAlert(ctx context.Context, id string) (uint64, error)
	// WaitAlerts returns nil once the change of that revision is in effect.
	WaitAlerts(ctx context.Context, revision uint64) error
}

// The roles for alerts.
const (
	RoleCreateAlert = "create-alert-endpoint"
	RoleEditAlert   = "edit-alert-endpoint"
	RoleGetAlerts   = "external-api-get-alerts-endpoint"
	RoleRunAlerts   = "run-summary-alert"
)

// alertThing is what alerts' errors are named after.
const alertThing = "Alert"

func (s *Server) alertRoutes(h huma.API) {
	const all, one = "/alerts", "/alerts/{id}"
	create, edit := []string{RoleCreateAlert}, []string{RoleEditAlert}
	list, show := []string{RoleGetAlerts}, []string{RoleEditAlert, RoleGetAlerts}
	input := reflect.TypeFor[AlertInput]()
	handle(s, h, route{method: http.MethodPost, path: all, id: "create-alert", roles: create, thing: alertThing,
		summary: "Create an alert; it matches what comes from now on", body: input, status: http.StatusCreated}, s.createAlert)
	handle(s, h, route{method: http.MethodGet, path: all, id: "list-alerts", roles: list, thing: alertThing,
		summary: "List alerts, oldest first"}, s.listAlerts)
	handle(s, h, route{method: http.MethodGet, path: one, id: "show-alert", roles: show, thing: alertThing,
		summary: "Show an alert"}, s.showAlert)
	handle(s, h, route{method: http.MethodPatch, path: one, id: "edit-alert", roles: edit, thing: alertThing,
		summary: "Change an alert by JSON merge patch; null brings a default back", body: input}, s.editAlert)
	handle(s, h, route{method: http.MethodDelete, path: one, id: "remove-alert", roles: edit, thing: alertThing,
		summary: "Remove an alert", status: http.StatusNoContent}, s.removeAlert)
	handle(s, h, route{method: http.MethodPost, path: all + "/preview", id: "preview-alert", roles: create, thing: alertThing,
		summary: "Tell what an alert would have matched over a past period; nothing is stored or sent", body: reflect.TypeFor[PreviewInput]()}, s.previewAlert)
	handle(s, h, route{method: http.MethodPost, path: all + "/run", id: "run-alerts", roles: []string{RoleRunAlerts}, thing: alertThing,
		summary: "Run alerts now, over what came since their last run", body: reflect.TypeFor[RunInput](), status: http.StatusAccepted}, s.runAlerts)
}

type (
	// alertAnswer is an alert as it is shown; Status 202: not yet in effect.
	alertAnswer struct {
		Status int
		ETag   string `header:"ETag"`
		Body   *matching.Alert
	}
	alertID struct {
		ID string `path:"id" doc:"The alert's id"`
	}
	alertAsSeen struct {
		ID      string `path:"id" doc:"The alert's id"`
		IfMatch string `header:"If-Match" doc:"The ETag that was shown: 412 where the alert has changed since"`
	}
	alertQuery struct {
		Page
		Customer  string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
		AlertType string `query:"alert_type" maxLength:"16" doc:"Of that type only: normal, hot or live"`
	}
	alertListAnswer struct{ Body AlertList }
)

// AlertList is a page of alerts; without next_cursor it is the last.
type AlertList struct {
	Items      []*matching.Alert `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func (s *Server) createAlert(ctx context.Context, _ *struct{}) (*alertAnswer, error) {
	a, err := readNewAlert(bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	if a.Customer, err = callerOf(ctx).actsFor(a.Customer); err != nil {
		return nil, err
	}
	if a.ID, err = newID(ctx); err != nil {
		return nil, err
	}
	if made, revision, there := s.Alerts.Alert(a.ID); there { // by a try of this request whose answer was lost
		return s.alertApplied(ctx, revision, http.StatusCreated, made), nil
	}
	a.CreatedAt = s.Now().UTC()
	a.UpdatedAt = a.CreatedAt
	if err := checkAlert(a, s.zoneOf(a.Customer)); err != nil {
		return nil, err
	}
	if err := s.room(ctx, a.Customer, transport.QuotaAlerts); err != nil {
		return nil, err
	}
	revision, err := s.Alerts.CreateAlert(ctx, a)
	if err != nil {
		return nil, madeBefore(err)
	}
	s.notedAlert(ctx, didCreate, nil, a)
	return s.alertApplied(ctx, revision, http.StatusCreated, a), nil
}

// alertApplied is applied for alerts.
func (s *Server) alertApplied(ctx context.Context, revision uint64, status int, a *matching.Alert) *alertAnswer {
	out := &alertAnswer{Status: s.appliedStatus(ctx, s.Alerts.WaitAlerts, revision, status), ETag: etag(revision)}
	if a != nil {
		out.Body = showAlert(a)
	}
	return out
}

// findAlert gives an alert that the caller may see.
func (s *Server) findAlert(ctx context.Context, id string) (*matching.Alert, uint64, error) {
	a, revision, there := s.Alerts.Alert(id)
	if !there || !callerOf(ctx).sees(a.Customer) {
		return nil, 0, notFound(alertThing, id)
	}
	return a, revision, nil
}

// findAlertAsSeen is findAlert for a change: not if another one came between.
func (s *Server) findAlertAsSeen(ctx context.Context, in *alertAsSeen) (*matching.Alert, uint64, error) {
	a, revision, err := s.findAlert(ctx, in.ID)
	if err == nil {
		err = checkMatch(in.IfMatch, revision)
	}
	return a, revision, err
}

func (s *Server) showAlert(ctx context.Context, in *alertID) (*alertAnswer, error) {
	a, revision, err := s.findAlert(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &alertAnswer{Status: http.StatusOK, ETag: etag(revision), Body: showAlert(a)}, nil
}

func (s *Server) editAlert(ctx context.Context, in *alertEdit) (*alertAnswer, error) {
	old, revision, err := s.findAlertAsSeen(ctx, &alertAsSeen{ID: in.ID, IfMatch: in.IfMatch})
	if err != nil {
		return nil, err
	}
	a, err := patchedAlert(old, bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	a.UpdatedAt = s.Now().UTC()
	if err := checkAlert(a, s.zoneOf(a.Customer)); err != nil {
		return nil, err
	}
	if in.DryRun {
		a.UpdatedAt = old.UpdatedAt
		return &alertAnswer{Status: http.StatusOK, ETag: etag(revision), Body: showAlert(a)}, nil
	}
	if revision, err = s.Alerts.UpdateAlert(ctx, a, revision); err != nil {
		return nil, err
	}
	s.notedAlert(ctx, didEdit, old, a)
	return s.alertApplied(ctx, revision, http.StatusOK, a), nil
}

func (s *Server) removeAlert(ctx context.Context, in *alertAsSeen) (*removedAnswer, error) {
	old, _, err := s.findAlertAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	revision, err := s.Alerts.RemoveAlert(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s.notedAlert(ctx, didRemove, old, old)
	return &removedAnswer{Status: s.appliedStatus(ctx, s.Alerts.WaitAlerts, revision, http.StatusNoContent)}, nil
}

// checkAlertType takes a type to filter by; "" is none.
func checkAlertType(alertType string) error {
	switch alertType {
	case "", matching.AlertNormal, matching.AlertHot, matching.AlertLive:
		return nil
	}
	return &transport.FieldError{Field: "alert_type", Value: alertType, Message: "is no type of alert; give normal, hot or live"}
}

// listAlerts goes by id, as listEndpoints does.
func (s *Server) listAlerts(ctx context.Context, in *alertQuery) (*alertListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	after, err := in.after(listOfAlerts)
	if err != nil {
		return nil, err
	}
	if err := checkAlertType(in.AlertType); err != nil {
		return nil, err
	}
	var found []*matching.Alert
	for _, a := range s.Alerts.Alerts(customer) {
		if a.ID > after && who.sees(a.Customer) && (in.AlertType == "" || a.AlertType == in.AlertType) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b *matching.Alert) int { return cmp.Compare(a.ID, b.ID) })
	out := &alertListAnswer{}
	out.Body.Items, out.Body.NextCursor = pageOf(listOfAlerts, found, in.Limit, func(a *matching.Alert) string { return a.ID }, showAlert)
	return out, nil
}
