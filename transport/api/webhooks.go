package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// webhookThing is what the errors of the GenLogs face are named after.
const webhookThing = "Webhook"

// webhookRoutes is GenLogs' face of endpoints: those of the profile genlogs,
// by GenLogs' names.
func (s *Server) webhookRoutes(h huma.API) {
	const all, one = "/alerts/webhook", "/alerts/webhook/{id}"
	input := reflect.TypeFor[WebhookInput]()
	handle(s, h, route{method: http.MethodPost, path: all, id: "create-webhook", roles: createRoles, thing: webhookThing,
		summary: "Create a webhook for alerts; the answer holds its secret", body: input, status: http.StatusCreated}, s.createWebhook)
	handle(s, h, route{method: http.MethodGet, path: all, id: "list-webhooks", roles: listRoles, thing: webhookThing,
		summary: "List the webhooks for alerts, oldest first"}, s.listWebhooks)
	handle(s, h, route{method: http.MethodGet, path: one, id: "show-webhook", roles: showRoles, thing: webhookThing,
		summary: "Show a webhook for alerts"}, s.showWebhook)
	handle(s, h, route{method: http.MethodPatch, path: one, id: "edit-webhook", roles: editRoles, thing: webhookThing,
		summary: "Change a webhook for alerts; a new secret signs beside the old one for 24 hours", body: input}, s.editWebhook)
	handle(s, h, route{method: http.MethodDelete, path: one, id: "remove-webhook", roles: deleteRoles, thing: webhookThing,
		summary: "Remove a webhook for alerts; what waits for it becomes dead letters", status: http.StatusNoContent}, s.removeWebhook)
	handle(s, h, route{method: http.MethodPost, path: all + "/test", id: "test-webhook", roles: testRoles, thing: webhookThing,
		summary: "Send a signed alert.test to a URL, before or after it is registered", body: reflect.TypeFor[WebhookTestInput]()}, s.testWebhook)
}

// WebhookInput is what a caller may say about a webhook.
type WebhookInput struct {
	Customer    string `json:"customer" doc:"For operators; else the token's"`
	WebhookURL  string `json:"webhook_url" doc:"https, at most 2083 bytes; once per customer"`
	Secret      string `json:"secret" doc:"16 bytes or more; made if left out"`
	Description string `json:"description" doc:"At most 2000 characters"`
	Enabled     bool   `json:"enabled" doc:"Default true; only enabled webhooks receive notifications"`
}

// Webhook is an endpoint of the profile genlogs by GenLogs' names. Its secret
// is in the answer to create alone.
type Webhook struct {
	ID          string `json:"id"`
	CustomerID  int64  `json:"customer_id"`
	WebhookURL  string `json:"webhook_url"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled" doc:"false also where Postrider disabled it; true brings it back"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
	Secret      string `json:"secret,omitempty"`
}

// WebhookList is a page of webhooks; without next_cursor it is the last.
type WebhookList struct {
	Items      []*Webhook `json:"items"`
	NextCursor string     `json:"next_cursor,omitempty"`
}

type (
	webhookAnswer struct {
		Status int
		ETag   string `header:"ETag"`
		Body   *Webhook
	}
	webhookListAnswer struct{ Body WebhookList }
	customerQuery     struct {
		Page
		Customer string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	}
)

// webhookTime is a time as GenLogs writes it: UTC, with microseconds.
const webhookTime = "2006-01-02T15:04:05.000000+00:00"

func (s *Server) webhook(ep *transport.Endpoint) *Webhook {
	number := ep.CustomerID
	if c, there := s.Registry.Customer(ep.Customer); there {
		number = c.CustomerID
	}
	return &Webhook{ID: ep.ID, CustomerID: number, WebhookURL: ep.URL, Description: ep.Description,
		Enabled:   ep.Enabled && ep.State != transport.StateDisabled,
		CreatedAt: ep.CreatedAt.UTC().Format(webhookTime), UpdatedAt: ep.UpdatedAt.UTC().Format(webhookTime)}
}

func (s *Server) createWebhook(ctx context.Context, _ *struct{}) (*webhookAnswer, error) {
	object, err := parseObject(bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := refuseOwn(object, []string{"id", "customer_id", "created_at", "updated_at"}); err != nil {
		return nil, err
	}
	in := WebhookInput{Enabled: true}
	if err := assign(object, &in); err != nil {
		return nil, err
	}
	customer, err := callerOf(ctx).actsFor(in.Customer)
	if err != nil {
		return nil, err
	}
	ep := newWebhook(customer, in.WebhookURL, in.Secret)
	ep.Description, ep.Enabled = in.Description, in.Enabled
	if err := s.prepareNew(ctx, ep); err != nil {
		return nil, asWebhook(err)
	}
	if ep.Revision, err = s.create(ctx, ep); err != nil {
		return nil, asWebhook(err)
	}
	status := s.appliedStatus(ctx, s.Registry.WaitApplied, ep.Revision, http.StatusCreated)
	shown := s.webhook(ep)
	shown.Secret = ep.Secrets.Current
	return &webhookAnswer{Status: status, ETag: etag(ep.Revision), Body: shown}, nil
}

func newWebhook(customer, url, secret string) *transport.Endpoint {
	ep := &transport.Endpoint{Customer: customer, URL: url, Enabled: true, Profile: transport.ProfileGenLogs,
		Delivery: transport.Delivery{Retries: true}, Secrets: transport.Secrets{Current: secret}}
	ep.ApplyDefaults()
	return ep
}

// asWebhook names the field of an error as GenLogs does.
func asWebhook(err error) error {
	var fe *transport.FieldError
	var known *Error
	switch {
	case errors.As(err, &fe) && fe.Field == "url":
		return &transport.FieldError{Field: "webhook_url", Message: fe.Message, Value: fe.Value}
	case errors.As(err, &known) && known.Details["field"] == "url":
		named := *known
		named.Details = map[string]any{"field": "webhook_url"}
		if url, there := known.Details["url"]; there {
			named.Details["webhook_url"] = url
		}
		return &named
	}
	return err
}

// findWebhook gives an endpoint of the profile genlogs that the caller may see
// and handle.
func (s *Server) findWebhook(ctx context.Context, id string) (*transport.Endpoint, error) {
	ep, there := s.Registry.Endpoint(id)
	if !there || ep.Profile != transport.ProfileGenLogs || !callerOf(ctx).sees(ep.Customer) {
		e := notFound(webhookThing, id)
		e.Message = strings.Replace(e.Message, webhookThing, "Webhook settings", 1)
		return nil, e
	}
	return ep, mayHandle(callerOf(ctx), ep)
}

func (s *Server) findWebhookAsSeen(ctx context.Context, in *asSeen) (*transport.Endpoint, error) {
	ep, err := s.findWebhook(ctx, in.ID)
	if err == nil {
		err = checkMatch(in.IfMatch, ep.Revision)
	}
	return ep, err
}

func (s *Server) showWebhook(ctx context.Context, in *byID) (*webhookAnswer, error) {
	ep, err := s.findWebhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &webhookAnswer{Status: http.StatusOK, ETag: etag(ep.Revision), Body: s.webhook(ep)}, nil
}

func (s *Server) editWebhook(ctx context.Context, in *asSeen) (*webhookAnswer, error) {
	old, err := s.findWebhookAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	ep, err := s.patchedWebhook(old, bodyOf(ctx))
	if err != nil {
		return nil, asWebhook(err)
	}
	if ep.Revision, err = s.update(ctx, old, ep); err != nil {
		return nil, asWebhook(err)
	}
	status := s.appliedStatus(ctx, s.Registry.WaitApplied, ep.Revision, http.StatusOK)
	return &webhookAnswer{Status: status, ETag: etag(ep.Revision), Body: s.webhook(ep)}, nil
}

// patchedWebhook gives old with a JSON merge patch over what is shown of it,
// checked.
func (s *Server) patchedWebhook(old *transport.Endpoint, raw []byte) (*transport.Endpoint, error) {
	patch, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	shown, err := objectOf(s.webhook(old))
	if err != nil {
		return nil, err
	}
	shown["customer"] = old.Customer
	delete(patch, "updated_at") // may have moved on meanwhile
	if err := keepSame(patch, shown, "id", "customer", "customer_id", "created_at"); err != nil {
		return nil, err
	}
	var in WebhookInput
	if err := assign(patch, &in); err != nil {
		return nil, err
	}
	delete(patch, "secret")
	if url, there := patch["webhook_url"]; there {
		patch["url"] = url
		delete(patch, "webhook_url")
	}
	if raw, err = json.Marshal(patch); err != nil {
		return nil, err
	}
	ep, err := s.patched(old, raw)
	if err != nil {
		return nil, err
	}
	ep.UpdatedAt = s.Now().UTC()
	if in.Secret != "" && in.Secret != old.Secrets.Current {
		if ep.Secrets, err = rotated(old, RotateInput{Secret: in.Secret}, ep.UpdatedAt); err != nil {
			return nil, err
		}
	}
	return ep, s.check(ep)
}

func (s *Server) removeWebhook(ctx context.Context, in *asSeen) (*removedAnswer, error) {
	old, err := s.findWebhookAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	revision, err := s.Registry.RemoveEndpoint(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s.notedEndpoint(ctx, didRemove, old, old)
	return &removedAnswer{Status: s.appliedStatus(ctx, s.Registry.WaitApplied, revision, http.StatusNoContent)}, nil
}

// listWebhooks goes by id, as listEndpoints does.
func (s *Server) listWebhooks(ctx context.Context, in *customerQuery) (*webhookListAnswer, error) {
	who := callerOf(ctx)
	customer, err := who.listsOf(in.Customer)
	if err != nil {
		return nil, err
	}
	after, err := in.after(listOfWebhooks)
	if err != nil {
		return nil, err
	}
	var found []*transport.Endpoint
	for _, ep := range s.Registry.Endpoints(customer) {
		if ep.Profile == transport.ProfileGenLogs && ep.ID > after && who.sees(ep.Customer) && mayHandle(who, ep) == nil {
			found = append(found, ep)
		}
	}
	slices.SortFunc(found, func(a, b *transport.Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	out := &webhookListAnswer{}
	out.Body.Items, out.Body.NextCursor = pageOf(listOfWebhooks, found, in.Limit, endpointKey, s.webhook)
	return out, nil
}
