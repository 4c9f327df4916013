package api

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

// eventRoutes puts publish on the mux itself and describes it.
func (s *Server) eventRoutes(h huma.API) {
	s.mux.HandleFunc("POST /v1/events", s.publish)
	s.known[eventsRoute.pattern()] = eventsRoute
	op := eventsRoute.operation()
	body := bodyDocument(h, reflect.TypeFor[EventInput]())
	most := transport.MaxBatchEvents
	one := body.Content["application/json"].Schema
	schemas := h.OpenAPI().Components.Schemas
	body.Content["application/json"].Schema = named(schemas, "Published", &huma.Schema{OneOf: []*huma.Schema{one,
		{Type: "array", Items: one, MaxItems: &most}}})
	body.Content["application/x-ndjson"] = &huma.MediaType{Schema: one}
	op.RequestBody = body
	op.Responses = map[string]*huma.Response{
		"202": {Description: "Durable", Content: map[string]*huma.MediaType{"application/json": {Schema: named(schemas, "Stored", &huma.Schema{
			OneOf: []*huma.Schema{schemas.Schema(reflect.TypeFor[transport.Receipt](), true, "Receipt"),
				schemas.Schema(reflect.TypeFor[Receipts](), true, "Receipts")}})}}},
		"default": errorDocument(h),
	}
	if s.Answers != nil {
		op.Parameters = append(op.Parameters, idempotencyParameter())
	}
	h.OpenAPI().AddOperation(&op)
}

// named puts a schema among the components: of one that stands in its place
// generators make a type that cannot be written.
func named(schemas huma.Registry, name string, schema *huma.Schema) *huma.Schema {
	schemas.Map()[name] = schema
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

func errorDocument(h huma.API) *huma.Response {
	return &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{
		"application/json": {Schema: h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Error](), true, "Error")}}}
}

// documents serves the descriptions, made once: /openapi.json (the API) and
// /asyncapi.json (subjects, events and deliveries) for programs, and /docs for
// people, without scripts and without other hosts.
func (s *Server) documents(o *huma.OpenAPI) {
	spec, err := json.Marshal(o)
	if err != nil {
		panic("the OpenAPI document cannot be written: " + err.Error()) // a fault of the build
	}
	s.mux.HandleFunc("GET /openapi.json", serve("application/openapi+json", spec))
	s.mux.HandleFunc("GET /asyncapi.json", serve("application/vnd.aai.asyncapi+json;version=3.0.0", catalogue.AsyncAPI()))
	page := docsPage(o)
	s.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		serve("text/html; charset=utf-8", page)(w, r)
	})
}

func serve(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body) // the caller went away: nobody to tell
	}
}

// docsLine is one operation on the page.
type docsLine struct {
	Method, Path, Summary, Roles string
	Parameters                   []*huma.Param
	Fields                       []docsField
}

type docsField struct{ Name, Type, Text string }

func docsPage(o *huma.OpenAPI) []byte {
	var lines []docsLine
	for _, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op != nil {
				lines = append(lines, docsLine{Method: op.Method, Path: op.Path, Summary: op.Summary,
					Roles: op.Description, Parameters: op.Parameters, Fields: docsFields(o, op.RequestBody)})
			}
		}
	}
	slices.SortFunc(lines, func(a, b docsLine) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	var page bytes.Buffer
	if err := docsTemplate.Execute(&page, map[string]any{"Info": o.Info, "Lines": lines}); err != nil {
		panic("the documents' page cannot be written: " + err.Error()) // a fault of the build
	}
	return page.Bytes()
}

func docsFields(o *huma.OpenAPI, body *huma.RequestBody) []docsField {
	if body == nil {
		return nil
	}
	schema := o.Components.Schemas.SchemaFromRef(body.Content["application/json"].Schema.Ref)
	if schema != nil && len(schema.OneOf) > 0 {
		schema = o.Components.Schemas.SchemaFromRef(schema.OneOf[0].Ref)
	}
	if schema == nil {
		return nil
	}
	var fields []docsField
	for name, field := range schema.Properties {
		fields = append(fields, docsField{Name: name, Type: field.Type, Text: field.Description})
	}
	slices.SortFunc(fields, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Info.Title}} API</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
section{border-top:1px solid #ddd;padding:.5rem 0}h2{font:600 1rem ui-monospace,monospace}td{padding:.1rem 1rem .1rem 0;vertical-align:top}
code{font-family:ui-monospace,monospace}small{color:#555}
@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}section{border-color:#444}small{color:#aaa}a{color:#8ab4f8}}</style></head>
<body><h1>{{.Info.Title}} API <small>{{.Info.Version}}</small></h1>
<p>Send <code>Authorization: Bearer &lt;jwt&gt;</code> or <code>Access-Token: &lt;jwt&gt;</code>. For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1), <a href="/asyncapi.json">/asyncapi.json</a> (AsyncAPI 3: what is published and delivered).</p>
{{range .Lines}}<section><h2>{{.Method}} {{.Path}}</h2><p>{{.Summary}}.<br><small>{{.Roles}}</small></p>
<table>{{range .Parameters}}<tr><td><code>{{.Name}}</code></td><td><small>{{.In}}</small></td><td>{{.Description}}</td></tr>{{end}}
{{range .Fields}}<tr><td><code>{{.Name}}</code></td><td><small>{{.Type}}</small></td><td>{{.Text}}</td></tr>{{end}}</table></section>
{{end}}</body></html>
`))
