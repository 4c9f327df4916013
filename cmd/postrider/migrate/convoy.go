package migrate

import (
	"fmt"
	"time"
)

// convoy reads an endpoint of a project, and the subscriptions of the file that
// are its own.
func convoy(r *reader) string {
	r.pass("uid", "id", "project_id", "created_at", "updated_at", "events", "failure_rate", "failure_count")
	d := r.e.Document
	d.Customer = r.text("owner_id")
	d.Name = r.text("name", "title")
	target := r.text("url", "target_url")
	switch {
	case r.value("deleted_at") != nil:
		return "it was deleted"
	case target == "":
		return "it has no url"
	}
	r.target(target)
	r.set("profile", "custom")
	r.set("format", "raw")
	r.carried("body: the event's document as it was published")
	if text := r.text("description"); text != "" {
		r.set("description", text)
	}
	r.set("signature", map[string]any{"scheme": "hmac", "header": "X-Convoy-Signature", "algorithm": "sha256", "encoding": "hex"})
	if r.flag("advanced_signatures") {
		r.lost("signature: the advanced one (t=…,v1=…) is not made here; receivers verify X-Convoy-Signature as plain hex, or take the profile standard")
	} else {
		r.carried("signature: X-Convoy-Signature, HMAC-SHA256 in hex over the body; if your project has another header or hash, change signature")
	}
	r.convoySecret()
	r.convoyLimits()
	r.convoyStatus()
	r.convoyAuthentication()
	r.convoyEvents()
	return ""
}

func (r *reader) convoySecret() {
	newest := ""
	secrets, _ := r.value("secrets").([]any)
	for _, item := range secrets {
		one, _ := item.(map[string]any)
		if value, is := one["value"].(string); is && one["deleted_at"] == nil && one["expires_at"] == nil {
			newest = value
		}
	}
	r.secret(newest)
}

func (r *reader) convoyLimits() {
	limit, per := r.number("rate_limit"), r.number("rate_limit_duration")
	if limit > 0 {
		if per > 1e9 { // some versions count nanoseconds
			per /= 1e9
		}
		rate := limit / max(per, 1)
		r.delivery("rate", rate)
		r.carried("rate: %g a second", rate)
	}
	if seconds := r.number("http_timeout"); seconds > 0 {
		held := min(max(seconds, 1), 60)
		r.delivery("timeout", (time.Duration(held) * time.Second).String())
		r.carried("timeout: %gs", held)
	}
}

func (r *reader) convoyStatus() {
	switch status := r.text("status"); status {
	case "", "active", "pending":
	case "paused", "inactive":
		r.set("enabled", false)
		r.carried("status %s: it is switched off", status)
	default:
		r.lost("status %s: it is switched on", cut(status, 50))
	}
}

func (r *reader) convoyAuthentication() {
	auth := r.object("authentication")
	key, _ := auth["api_key"].(map[string]any)
	name, _ := key["header_name"].(string)
	value, _ := key["header_value"].(string)
	switch kind := fmt.Sprint(auth["type"]); {
	case len(auth) == 0 || kind == "":
	case name != "" && value != "":
		r.headers(map[string]any{name: value})
	default:
		r.lost("authentication of type %s: put its header into headers", cut(kind, 50))
	}
}

// convoyEvents takes what the endpoint's subscriptions want.
func (r *reader) convoyEvents() {
	var types []any
	found := false
	for _, s := range r.subscriptions {
		meta, _ := s["endpoint_metadata"].(map[string]any)
		if id, _ := s["endpoint_id"].(string); id != r.e.Origin && meta["uid"] != r.e.Origin {
			continue
		}
		found = true
		filter, _ := s["filter_config"].(map[string]any)
		listed, _ := filter["event_types"].([]any)
		types = append(types, listed...)
		if means(filter["filter"]) {
			r.lost("a filter over bodies or headers: write it as CEL (filter)")
		}
		if means(s["function"]) {
			r.lost("a function that changes the body: write it as a template (body)")
		}
	}
	if found {
		r.events(types)
		return
	}
	r.set("events", []any{">"})
	r.lost("events: no subscription of it is in the file, so it gets all; add the answer of the subscriptions' list to the file, or set events")
}
