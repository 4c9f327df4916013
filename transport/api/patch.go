package api

import (
	"maps"
	"reflect"
	"slices"

	"github.com/postrider/postrider/transport"
)

// patched gives old with a JSON merge patch (RFC 7396) over what is shown of
// it. A masked header value leaves that header as it is. What Postrider sets
// itself may be repeated unchanged; waiting, state_reason and updated_at may
// have moved on meanwhile and are passed over.
func (s *Server) patched(old *transport.Endpoint, raw []byte) (*transport.Endpoint, error) {
	patch, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	base, err := objectOf(old)
	if err != nil {
		return nil, err
	}
	if err := dropOwn(patch, base); err != nil {
		return nil, err
	}
	if err := checkShape(patch, reflect.TypeFor[EndpointInput](), ""); err != nil {
		return nil, err
	}
	dropMasked(patch, old.Headers)
	if err := askAnew(patch, old); err != nil {
		return nil, err
	}
	followRate(patch, base)
	given := givenIn(patch, old.Given)
	rebase(base, patch, given)
	enable := patch["enabled"] == true
	for _, name := range ownFields {
		delete(base, name)
	}
	_, version := patch["version"]
	in, err := inputOf(merge(base, patch))
	if err != nil {
		return nil, err
	}
	customer, _ := s.Registry.Customer(old.Customer)
	ep := in.endpoint(customer)
	if ep.Given = given; ep.Format != "genea" && !version {
		ep.Version = "" // belonged to the format before
	}
	switch body := bodyGiven(raw); {
	case body == nil:
		ep.Body = old.Body
	case !isNull(body):
		ep.Body = mergeRaw(old.Body, body, 0)
	}
	keepOwn(ep, old)
	if ep.State == transport.StateDisabled && (enable || ep.Enabled && ep.URL != old.URL) {
		ep.State, ep.StateReason = transport.StateActive, "" // who mends it means it to go on
	}
	return ep, nil
}

// keepOwn carries over what no patch changes.
func keepOwn(ep, old *transport.Endpoint) {
	ep.ID, ep.Customer, ep.CustomerID = old.ID, old.Customer, old.CustomerID
	ep.State, ep.StateReason, ep.Waiting = old.State, old.StateReason, old.Waiting
	ep.From, ep.CreatedAt = old.From, old.CreatedAt
	ep.Secrets, ep.Revision = old.Secrets, old.Revision
}

// dropOwn takes out of patch what Postrider sets itself, and refuses changes to it.
func dropOwn(patch, base map[string]any) error {
	if patch["secret"] != nil {
		return invalid("secret", "is changed by POST /v1/endpoints/{id}/rotate; leave it out")
	}
	for _, name := range []string{"waiting", "state_reason", "updated_at", "standing", "warnings", "changed_unseen", "changes", "replay", "public_key"} {
		delete(patch, name)
	}
	if patch["state"] == transport.StateFailing && base["state"] == transport.StateActive {
		delete(patch, "state") // as it was shown
	}
	for _, name := range []string{"id", "customer", "state", "created_at", "from"} {
		given, there := patch[name]
		if there && given != nil && given != base[name] {
			return invalid(name, howChanged(name))
		}
		delete(patch, name)
	}
	delete(patch, "secret")
	return nil
}

func howChanged(name string) string {
	if name == "state" {
		return "is changed by POST /v1/endpoints/{id}/pause and /resume; leave it out"
	}
	return "cannot be changed; leave it out"
}

// followRate: a burst that is not given with a new rate is that rate's default.
func followRate(patch, base map[string]any) {
	given, _ := patch["delivery"].(map[string]any)
	before, _ := base["delivery"].(map[string]any)
	_, rate := given["rate"]
	if _, burst := given["burst"]; rate && !burst {
		delete(before, "burst")
	}
}

// askAnew refuses to send what is masked to another host: whoever may change
// the URL could read it there. It is asked for again, or to be left out. The
// secret stays: it signs and is never sent.
func askAnew(patch map[string]any, old *transport.Endpoint) error {
	next, isText := patch["url"].(string)
	if !isText || transport.SameHost(next, old.URL) {
		return nil
	}
	const remedy = "is not shown and would go to another host with this change of url; give its value again, or null to leave it out"
	for _, name := range slices.Sorted(maps.Keys(old.Headers)) {
		if !says(patch, "headers", name) {
			return invalid("headers."+name, remedy)
		}
	}
	if old.TLS.ClientKey != "" && !says(patch, "tls", "client_key") {
		return invalid("tls.client_key", remedy)
	}
	return nil
}

// says tells whether a patch gives a value to a name in a section, or takes the
// name or the section out.
func says(patch map[string]any, section, name string) bool {
	given, there := patch[section]
	fields, _ := given.(map[string]any)
	_, named := fields[name]
	return named || there && given == nil
}

func dropMasked(patch map[string]any, headers map[string]string) {
	given, _ := patch["headers"].(map[string]any)
	for name, value := range given {
		if _, there := headers[name]; there && value == transport.Masked {
			delete(given, name)
		}
	}
}

// merge is RFC 7396 for two objects; base is changed.
func merge(base, patch map[string]any) map[string]any {
	for name, value := range patch {
		change, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(base, name)
		case isObject:
			inner, _ := base[name].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			base[name] = merge(inner, change)
		default:
			base[name] = value
		}
	}
	return base
}
