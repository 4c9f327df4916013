package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// route is one operation: where it is, who may call it, what it takes.
type route struct {
	method, path string
	id, summary  string
	// roles of which a caller needs one; none: any there is.
	roles []string
	// open: any token will do, one without a role too.
	open bool
	// operator: only operators, whatever else a token may do.
	operator bool
	// body is the shape of the request's body for the documents; nil: none.
	body reflect.Type
	// status is the usual answer; 0: 200.
	status int
	// thing is what errors of validation are named after; "": nothing.
	thing string
}

func (s *Server) newHuma() huma.API {
	adoptErrors()
	config := huma.DefaultConfig("Postrider", s.Version)
	config.Info.Description = "Signed webhooks, delivered at least once."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // documents.go serves them
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Formats = map[string]huma.Format{"application/json": {Marshal: marshal, Unmarshal: json.Unmarshal}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer":      {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"accessToken": {Type: "apiKey", In: "header", Name: "Access-Token"},
	}
	return humago.New(s.mux, config)
}

// mux is the router; it knows what there is, so that a test can ask of each
// path who may use it.
type mux struct {
	http.ServeMux
	patterns []string
}

func (m *mux) HandleFunc(pattern string, do func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(do))
}

func (m *mux) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

func marshal(w io.Writer, v any) error {
	var body bytes.Buffer
	if err := encode(&body, v); err != nil {
		return err
	}
	_, _ = body.WriteTo(w) // the caller went away: nobody to tell, and huma would panic
	return nil
}

// handle registers a route with huma: token and roles first, then the body,
// then parameters, then do.
func handle[I, O any](s *Server, h huma.API, r route, do func(context.Context, *I) (*O, error)) {
	s.known[r.pattern()] = r
	op := r.operation()
	op.Middlewares = huma.Middlewares{s.guard(r)}
	huma.Register(h, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.fault(ctx, err).of(r.thing)
		}
		return out, nil
	})
	described := operationOf(h.OpenAPI().Paths[r.path], r.method)
	if r.body != nil {
		described.RequestBody = bodyDocument(h, r.body)
	}
	if r.method == http.MethodPost && s.Answers != nil {
		described.Parameters = append(described.Parameters, idempotencyParameter())
	}
	if _, chosen := reflect.TypeFor[O]().FieldByName("Status"); chosen {
		describeOther(described, cmp.Or(r.status, http.StatusOK))
	}
}

func idempotencyParameter() *huma.Param {
	most := maxIdempotencyKey
	return &huma.Param{Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: "string", MaxLength: &most},
		Description: "The same key with the same request gives the same answer for 24 hours, and does nothing again"}
}

// describeOther: an answer that chooses its status is 202 where the change is
// kept and not in effect yet; one that is 202 is 200 where nothing was begun.
func describeOther(op *huma.Operation, usual int) {
	other := http.StatusAccepted
	if usual == other {
		other = http.StatusOK
	}
	same := *op.Responses[strconv.Itoa(usual)]
	same.Description = http.StatusText(other)
	op.Responses[strconv.Itoa(other)] = &same
}

func (r route) operation() huma.Operation {
	return huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary,
		Description: r.describeRoles(), DefaultStatus: r.status,
		Security: []map[string][]string{{"bearer": {}}, {"accessToken": {}}}}
}

func (r route) describeRoles() string {
	switch {
	case r.operator:
		return "Roles: operator."
	case r.open:
		return "Any token of the customer."
	case len(r.roles) == 0:
		return "Any role."
	}
	text := "Roles: admin"
	for _, role := range r.roles {
		if role != RoleAdmin {
			text += ", " + role
		}
	}
	return text + "."
}

// needed are the roles of which a caller needs one; nil: none.
func (r *route) needed() []string {
	switch {
	case r.open, r.operator: // allow asks for the operator itself
		return nil
	case len(r.roles) == 0:
		return anyRole
	}
	return r.roles
}

// pattern is the route's name on the mux.
func (r *route) pattern() string { return r.method + " " + r.path }

// allow gives who calls, or why they may not. It comes before anything of the
// request but its head is read, and before anything is reserved.
func (s *Server) allow(w http.ResponseWriter, request *http.Request, r *route) (*caller, *Error) {
	who, failure := s.tokens.authorize(request, r.needed())
	if failure == nil && r.operator && !who.operator() {
		failure = forbidden("User lacks required roles: ['" + RoleOperator + "']")
	}
	if failure != nil && request.ContentLength != 0 {
		// net/http would wait for the body before it answers; who may not send
		// one gets the answer at once, and the connection ends.
		w.Header().Set("Connection", "close")
	}
	if answer, counted := w.(*answerWriter); counted && failure == nil {
		answer.hold.customer, answer.known = who.customer, true
	}
	return who, failure
}

func (s *Server) guard(r route) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		request, w := humago.Unwrap(hc)
		who, failure := s.allow(w, request, &r)
		if failure != nil {
			writeError(w, failure)
			return
		}
		ctx := context.WithValue(hc.Context(), callerKey{}, who)
		if r.body != nil {
			hold := held{budget: s.bodies, customer: who.customer}
			defer hold.back()
			raw, failure := readBody(request, usualBody, &hold)
			if failure != nil {
				writeError(w, failure.of(r.thing))
				return
			}
			ctx = context.WithValue(ctx, bodyKey{}, raw)
		}
		next(huma.WithContext(hc, ctx))
	}
}

// bodyDocument describes a request's body: the fields of t, none required.
func bodyDocument(h huma.API, t reflect.Type) *huma.RequestBody {
	schemas := h.OpenAPI().Components.Schemas
	schema := schemas.Schema(t, true, t.Name())
	requireNothing(schemas, schema)
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

func requireNothing(schemas huma.Registry, schema *huma.Schema) {
	shape := schemas.SchemaFromRef(schema.Ref)
	if shape == nil {
		return
	}
	shape.Required = nil
	for _, field := range shape.Properties {
		requireNothing(schemas, field)
	}
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodPost:
		return item.Post
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	return item.Get
}
