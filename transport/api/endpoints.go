package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
	"github.com/postrider/postrider/transport/signature"
)

var (
	createRoles = []string{RoleCreateEndpoint}
	editRoles   = []string{RoleEditEndpoint}
	showRoles   = []string{RoleEditEndpoint, RoleListEndpoints}
	listRoles   = []string{RoleListEndpoints}
	deleteRoles = []string{RoleDeleteEndpoint}
	testRoles   = []string{RoleTestEndpoint}
	adminRoles  = []string{RoleAdmin}
)

func (s *Server) endpointRoutes(h huma.API) {
	const one = "/v1/endpoints/{id}"
	input := reflect.TypeFor[EndpointInput]()
	handle(s, h, route{method: http.MethodPost, path: "/v1/endpoints", id: "create-endpoint", roles: createRoles,
		summary: "Create an endpoint; the answer holds its secret", body: input, status: http.StatusCreated}, s.createEndpoint)
	handle(s, h, route{method: http.MethodGet, path: "/v1/endpoints", id: "list-endpoints", roles: listRoles,
		summary: "List endpoints, oldest first"}, s.listEndpoints)
	handle(s, h, route{method: http.MethodGet, path: one, id: "show-endpoint", roles: showRoles,
		summary: "Show an endpoint, header values masked"}, s.showEndpoint)
	handle(s, h, route{method: http.MethodPatch, path: one, id: "edit-endpoint", roles: editRoles,
		summary: "Change an endpoint by JSON merge patch; null brings a default back", body: input}, s.editEndpoint)
	handle(s, h, route{method: http.MethodDelete, path: one, id: "remove-endpoint", roles: deleteRoles,
		summary: "Remove an endpoint; what waits for it becomes dead letters", status: http.StatusNoContent}, s.removeEndpoint)
	handle(s, h, route{method: http.MethodGet, path: one + "/secret", id: "reveal-secret", roles: adminRoles,
		summary: "Reveal the secret"}, s.revealSecret)
	handle(s, h, route{method: http.MethodPost, path: one + "/rotate", id: "rotate-secret", roles: adminRoles,
		summary: "Change the secret; the old one signs beside the new for a while",
		body:    reflect.TypeFor[RotateInput]()}, s.rotateSecret)
	handle(s, h, route{method: http.MethodPost, path: one + "/test", id: "test-endpoint", roles: testRoles,
		summary: "Send one signed sample event and show the answer", body: reflect.TypeFor[TestInput]()}, s.testEndpoint)
	handle(s, h, route{method: http.MethodPost, path: "/v1/endpoints/test", id: "test-unsaved-endpoint", roles: testRoles,
		summary: "Send one signed sample event to an endpoint that is not saved, and show the answer", body: reflect.TypeFor[PreflightInput]()}, s.testUnsaved)
	handle(s, h, route{method: http.MethodPost, path: "/v1/endpoints/preview", id: "preview-endpoint", roles: trialRoles,
		summary: "Try an endpoint, saved or not, on the last events: which it would want, skip or fail to render; nothing is sent", body: reflect.TypeFor[TrialInput]()}, s.tryOnEvents)
}

// byID names an endpoint.
type byID struct {
	ID string `path:"id" doc:"The endpoint's id"`
}

// asSeen names an endpoint, and the state of it that the caller has seen.
type asSeen struct {
	ID      string `path:"id" doc:"The endpoint's id"`
	IfMatch string `header:"If-Match" doc:"The ETag that was shown: 412 where the endpoint has changed since"`
}

// endpointAnswer is an endpoint as it is shown; Status 202: not yet in effect.
type endpointAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   *ShownEndpoint
}

func (s *Server) createEndpoint(ctx context.Context, _ *struct{}) (*endpointAnswer, error) {
	ep, err := s.newEndpoint(callerOf(ctx), bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.prepareNew(ctx, ep); err != nil {
		return nil, err
	}
	revision, replay, err := s.createSince(ctx, ep)
	if err != nil {
		return nil, err
	}
	ep.Revision = revision
	shown := show(ep)
	shown.Replay = replay
	shown.Secret, shown.Warnings = ep.Secrets.Current, payload.Warnings(ep)
	return s.applied(ctx, ep.Revision, http.StatusCreated, shown), nil
}

// prepareNew fills in what Postrider itself decides, and checks the whole.
func (s *Server) prepareNew(ctx context.Context, ep *transport.Endpoint) error {
	id, err := newID(ctx)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	ep.ID, ep.State, ep.CreatedAt, ep.UpdatedAt = id, "active", now, now
	switch {
	case ep.From.IsZero():
		ep.From = now
	case ep.From.Before(now) && s.Replays == nil:
		return invalid("from", "lies in the past, and this node has no replays: leave it out")
	}
	if ep.Secrets.Current == "" && ep.Signature.Scheme != "none" {
		ep.Secrets.Current = signature.NewSecret(ep.Signature.Scheme)
	}
	return s.check(ep)
}

// check validates ep as a whole, what its signature scheme and its customer's
// hardware ask for included; expressions are compiled and tried.
func (s *Server) check(ep *transport.Endpoint) error {
	if err := ep.Validate(s.Dev, s.AllowCIDRs...); err != nil {
		return err
	}
	customer, _ := s.Registry.Customer(ep.Customer) // a new one has no locations
	if err := transport.CheckVersion(customer, ep); err != nil {
		return err
	}
	if _, err := signature.Config(ep.Signature).Resolve(); err != nil {
		return err
	}
	if err := signature.CheckSecret(ep.Signature.Scheme, ep.Secrets.Current); err != nil {
		return err
	}
	return payload.Check(ep)
}

// checkUnique tells early, and in the contract's words, what the registry
// guards: genlogs endpoints of a customer have each its own URL.
func (s *Server) checkUnique(ep *transport.Endpoint) error {
	if ep.Profile != transport.ProfileGenLogs {
		return nil
	}
	for _, other := range s.Registry.Endpoints(ep.Customer) {
		if other.ID != ep.ID && other.Profile == ep.Profile && other.URL == ep.URL {
			return registered(ep)
		}
	}
	return nil
}

func registered(ep *transport.Endpoint) *Error {
	e := newError(http.StatusBadRequest, "Webhook URL already registered for this customer")
	e.Details = map[string]any{"field": "url", "url": ep.URL}
	return e
}

// create stores a new endpoint that was checked, and gives its revision.
func (s *Server) create(ctx context.Context, ep *transport.Endpoint) (uint64, error) {
	if made, there := s.Registry.Endpoint(ep.ID); there { // by a try of this request whose answer was lost
		*ep = *made
		return made.Revision, nil
	}
	if err := s.checkUnique(ep); err != nil {
		return 0, err
	}
	if err := s.room(ctx, ep.Customer, transport.QuotaEndpoints); err != nil {
		return 0, err
	}
	revision, err := s.Registry.CreateEndpoint(ctx, ep)
	if err != nil {
		return revision, madeBefore(lostURL(ep, err))
	}
	s.notedEndpoint(ctx, didCreate, nil, ep)
	return revision, nil
}

// madeBefore is err of making what has a new id. That it is there already comes
// of a try of this request whose answer was lost, and which is not in effect yet.
func madeBefore(err error) error {
	if errors.Is(err, transport.ErrConflict) {
		return fmt.Errorf("%w: an earlier try of this request has made it, and it is not in effect yet", transport.ErrUnavailable)
	}
	return err
}

// update stores the next state of an endpoint, checked, and gives its revision.
func (s *Server) update(ctx context.Context, old, ep *transport.Endpoint) (uint64, error) {
	if err := s.checkUnique(ep); err != nil {
		return 0, err
	}
	revision, err := s.Registry.UpdateEndpoint(ctx, ep)
	if err != nil {
		return revision, lostURL(ep, err)
	}
	s.notedEndpoint(ctx, didEdit, old, ep)
	return revision, nil
}

// lostURL is registered where the registry refused the URL: another request
// was faster.
func lostURL(ep *transport.Endpoint, err error) error {
	var fe *transport.FieldError
	if errors.As(err, &fe) && fe.Field == "webhook_url" {
		return registered(ep)
	}
	return err
}

// mayHandle keeps endpoints with Genea's bodies or signature to admins,
// whatever their profile says.
func mayHandle(who *caller, ep *transport.Endpoint) error {
	if ep.SpeaksGenea() && !who.admin() {
		return lacksRoles([]string{RoleAdmin})
	}
	return nil
}

// find gives an endpoint that the caller may see and handle.
func (s *Server) find(ctx context.Context, id string) (*transport.Endpoint, error) {
	who := callerOf(ctx)
	ep, there := s.endpoint(id)
	if !there || !who.sees(ep.Customer) {
		return nil, notFound("Endpoint", id)
	}
	return ep, mayHandle(who, ep)
}

// findAsSeen is find for a change: not if another one came between.
func (s *Server) findAsSeen(ctx context.Context, in *asSeen) (*transport.Endpoint, error) {
	ep, err := s.find(ctx, in.ID)
	if err == nil {
		err = unchangeable(ep)
	}
	if err == nil {
		err = checkMatch(in.IfMatch, ep.Revision)
	}
	return ep, err
}

// checkMatch refuses a change of what has another revision than the caller saw.
func checkMatch(ifMatch string, revision uint64) error {
	if ifMatch == "" || ifMatch == "*" || holdsTag(ifMatch, etag(revision)) {
		return nil
	}
	return newError(http.StatusPreconditionFailed, "Changed since you read it: read it again and repeat your change")
}

func etag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

func holdsTag(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(one) == tag {
			return true
		}
	}
	return false
}

// applied waits until a change is in effect; where that takes too long the
// answer is 202: kept, and on its way.
func (s *Server) applied(ctx context.Context, revision uint64, status int, shown *ShownEndpoint) *endpointAnswer {
	return &endpointAnswer{Status: s.appliedStatus(ctx, s.Registry.WaitApplied, revision, status), ETag: etag(revision), Body: shown}
}

// appliedStatus is the status of a change once wait says that it is in effect,
// else 202.
func (s *Server) appliedStatus(ctx context.Context, wait func(context.Context, uint64) error, revision uint64, status int) int {
	ctx, cancel := context.WithTimeout(ctx, s.ApplyWait)
	defer cancel()
	if wait(ctx, revision) != nil {
		return http.StatusAccepted
	}
	return status
}

func (s *Server) showEndpoint(ctx context.Context, in *byID) (*endpointAnswer, error) {
	ep, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &endpointAnswer{Status: http.StatusOK, ETag: etag(ep.Revision), Body: s.showNow(ctx, ep)}, nil
}

func (s *Server) editEndpoint(ctx context.Context, in *endpointEdit) (*endpointAnswer, error) {
	old, err := s.findAsSeen(ctx, &asSeen{ID: in.ID, IfMatch: in.IfMatch})
	if err != nil {
		return nil, err
	}
	ep, err := s.edited(callerOf(ctx), old, bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	ep.UpdatedAt = s.Now().UTC()
	if in.DryRun {
		return s.wouldBe(old, ep)
	}
	if ep.Revision, err = s.update(ctx, old, ep); err != nil {
		return nil, err
	}
	shown := show(ep)
	if shown.Changes, err = changesOf(show(old), shown); err != nil {
		return nil, err
	}
	shown.Warnings = payload.Warnings(ep)
	return s.applied(ctx, ep.Revision, http.StatusOK, shown), nil
}

// edited is old as who would have it by a merge patch, checked as a whole;
// nothing is stored.
func (s *Server) edited(who *caller, old *transport.Endpoint, patch []byte) (*transport.Endpoint, error) {
	if err := unchangeable(old); err != nil {
		return nil, err
	}
	ep, err := s.patched(old, patch)
	if err != nil {
		return nil, err
	}
	if err := mayHandle(who, ep); err != nil {
		return nil, err
	}
	if ep.Secrets.Current == "" && ep.Signature.Scheme != "none" {
		ep.Secrets.Current = signature.NewSecret(ep.Signature.Scheme)
	}
	return ep, s.check(ep)
}

type removedAnswer struct{ Status int }

func (s *Server) removeEndpoint(ctx context.Context, in *asSeen) (*removedAnswer, error) {
	old, err := s.findAsSeen(ctx, in)
	if err != nil {
		return nil, err
	}
	revision, err := s.Registry.RemoveEndpoint(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s.notedEndpoint(ctx, didRemove, old, old)
	return &removedAnswer{Status: s.applied(ctx, revision, http.StatusNoContent, nil).Status}, nil
}
