package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// EndpointInput is what a caller may say about an endpoint. What is left out
// gets its profile's default.
type EndpointInput struct {
	Customer    string              `json:"customer" doc:"For operators; else the token's"`
	Name        string              `json:"name" doc:"At most 200 characters"`
	Description string              `json:"description" doc:"At most 2000 characters"`
	URL         string              `json:"url" doc:"https, at most 2083 bytes"`
	Enabled     bool                `json:"enabled" doc:"Default true"`
	Profile     string              `json:"profile" enum:"genea,genlogs,standard,custom" doc:"Sets the defaults of the rest; default standard"`
	Version     string              `json:"version" doc:"Of the format genea: v1 (VertX hardware), v2 (Mercury) or v3 (both); by default what the customer's locations need: v3 where they mix hardware, v1 where all have VertX, else v2"`
	Format      string              `json:"format" enum:"genea,genlogs,standard,cloudevents,raw"`
	Events      []string            `json:"events" doc:"Patterns over the type: * is one word, a last > the rest; at most 100"`
	Filter      string              `json:"filter" doc:"CEL over event (id, type, customer, time, data) that gives true for events wanted; at most 4 KiB"`
	Headers     map[string]string   `json:"headers" doc:"Added to each request; at most 50. Values may hold ${CEL}"`
	Body        json.RawMessage     `json:"body" doc:"Any JSON with ${CEL} in its strings; at most 64 KiB"`
	BodyMode    string              `json:"body_mode" enum:"replace,merge" doc:"Whether body takes the place of the profile's or is added to it; default merge for genea, else replace"`
	Signature   transport.Signature `json:"signature"`
	Delivery    transport.Delivery  `json:"delivery"`
	TLS         transport.TLS       `json:"tls"`
	From        time.Time           `json:"from" doc:"Events from then on; default now. In the past: those that are still kept are delivered too, by a replay. Create only"`
	Secret      string              `json:"secret" doc:"16 bytes or more; made if left out. Create only: later by rotate"`
}

// ShownEndpoint is an endpoint as answers show it: header values masked,
// without its client key, with its secret in the answer to create alone.
type ShownEndpoint struct {
	transport.Endpoint
	Secret string `json:"secret,omitempty"`
	// PublicKey is of endpoints that sign with an ed25519 key.
	PublicKey string `json:"public_key,omitempty" doc:"Where the secret is a whsk_ key (ed25519): whpk_ and base64, which verifies and cannot sign"`
	// Replay delivers what a from in the past asks for.
	Replay string `json:"replay,omitempty" doc:"Of create with a from in the past: the replay that delivers the events since then"`
	// Standing is how deliveries to it go right now.
	Standing *ShownStanding `json:"standing,omitempty"`
	// Warnings tell, in the answers to create and edit, what will hardly do
	// what was meant.
	Warnings []string `json:"warnings,omitempty"`
	// Changes are in the answers to edit, with dry_run too.
	Changes []ShownChange `json:"changes,omitempty" doc:"Of a change: what it changes, with what another profile or version brings"`
	// ChangedUnseen is of a dry run: what would change and is not shown.
	ChangedUnseen []string `json:"changed_unseen,omitempty" doc:"Of a change with dry_run: the names of masked values that would change"`
}

func show(ep *transport.Endpoint) *ShownEndpoint {
	shown := &ShownEndpoint{Endpoint: *ep}
	shown.PublicKey = signature.PublicKey(ep.Signature.Scheme, ep.Secrets.Current)
	shown.Secrets = transport.Secrets{}
	shown.TLS.ClientKey = ""
	shown.State = cmp.Or(ep.State, transport.StateActive)
	if len(ep.Headers) > 0 {
		shown.Headers = maps.Clone(ep.Headers)
		for name := range shown.Headers {
			shown.Headers[name] = transport.Masked
		}
	}
	return shown
}

// ownFields are set by Postrider alone.
var ownFields = []string{"id", "state", "state_reason", "waiting", "created_at", "updated_at"}

// newEndpoint reads an endpoint that the caller would create, defaults applied,
// and checks that he may handle it.
func (s *Server) newEndpoint(who *caller, raw []byte) (*transport.Endpoint, error) {
	object, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	if err := refuseOwn(object, ownFields); err != nil {
		return nil, err
	}
	in, err := inputOf(object)
	if err != nil {
		return nil, err
	}
	if in.Customer, err = who.actsFor(in.Customer); err != nil {
		return nil, err
	}
	customer, _ := s.Registry.Customer(in.Customer) // a new one has no locations
	ep := in.endpoint(customer)
	ep.Given = givenIn(object, 0)
	if body := bodyGiven(raw); !isNull(body) {
		ep.Body = body
	}
	return ep, mayHandle(who, ep)
}

// inputOf reads the JSON of an endpoint. A jitter that is not given is no number.
func inputOf(object map[string]any) (*EndpointInput, error) {
	in := &EndpointInput{Enabled: true}
	in.Delivery.Retries = true
	in.Delivery.Jitter = math.NaN() // so that a zero that was given stays
	if err := assign(object, in); err != nil {
		return nil, err
	}
	return in, refuseZeros(object, &in.Delivery)
}

// endpoint is what in says, with the defaults of its profile and its customer.
func (in *EndpointInput) endpoint(customer *transport.Customer) *transport.Endpoint {
	ep := &transport.Endpoint{Customer: in.Customer, Name: in.Name, Description: in.Description, URL: in.URL,
		Enabled: in.Enabled, Profile: in.Profile, Version: in.Version, Format: in.Format, Events: in.Events,
		Filter: in.Filter, Headers: in.Headers, Body: in.Body, BodyMode: in.BodyMode, Signature: in.Signature,
		Delivery: in.Delivery, TLS: in.TLS, From: in.From.UTC()}
	ep.Secrets.Current = in.Secret
	given := in.Delivery.Jitter
	if math.IsNaN(given) {
		ep.Delivery.Jitter = 0
	}
	ep.ApplyDefaultsOf(customer)
	if !math.IsNaN(given) {
		ep.Delivery.Jitter = given
	}
	return ep
}

// refuseZeros tells a zero that was given from what was left out, where it
// would silently become the default.
func refuseZeros(object map[string]any, d *transport.Delivery) error {
	given, _ := object["delivery"].(map[string]any)
	switch {
	case given["concurrency"] != nil && d.Concurrency == 0:
		return invalid("delivery.concurrency", fmt.Sprintf("out of range; give 1 to %d", transport.MaxConcurrency))
	case given["timeout"] != nil && given["timeout"] != "" && d.Timeout == 0:
		return invalid("delivery.timeout", "out of range; give 1s to 60s")
	}
	return nil
}
