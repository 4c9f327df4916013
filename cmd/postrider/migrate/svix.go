package migrate

// svix reads an EndpointOut, with the answers of .../secret/ (as secret, or key)
// and .../headers/ (as headers) put into it where they are.
func svix(r *reader) string {
	r.pass("id", "uid", "createdAt", "updatedAt", "created_at", "updated_at", "version")
	d := r.e.Document
	d.Customer = r.text("appUid", "app_uid", "appId", "app_id")
	if d.Name = r.text("description"); d.Name == "" {
		d.Name = r.text("uid")
	}
	target := r.text("url")
	if target == "" {
		return "it has no url"
	}
	r.target(target)
	r.set("profile", "standard")
	r.set("format", "raw")
	r.carried("signature: Standard Webhooks; its headers are webhook-id, webhook-timestamp and webhook-signature, which Svix's libraries take beside svix-…")
	r.carried("body: the event's document as it was published")
	types, _ := r.value("filterTypes", "filter_types", "eventTypes").([]any)
	r.events(types)
	if rate := r.number("rateLimit", "rate_limit", "throttleRate"); rate > 0 {
		r.delivery("rate", rate)
		r.carried("rate: %g a second", rate)
	}
	if r.flag("disabled") {
		r.set("enabled", false)
		r.carried("disabled")
	}
	secret := r.text("secret", "key")
	if nested := r.object("secret"); nested != nil {
		secret, _ = nested["key"].(string)
	}
	r.secret(secret)
	headers := r.object("headers")
	if inner, is := headers["headers"].(map[string]any); is {
		for _, name := range list(headers["sensitive"]) {
			if inner[name] == nil {
				r.lost("header %s: its value is not in the export", cut(name, 100))
			}
		}
		headers = inner
	}
	r.headers(headers)
	if channels := list(r.value("channels")); len(channels) > 0 {
		r.lost("channels: put the channel into the event's document or type, and filter by it (filter)")
	}
	return ""
}

func list(v any) []string {
	all, _ := v.([]any)
	var texts []string
	for _, item := range all {
		if text, is := item.(string); is {
			texts = append(texts, text)
		}
	}
	return texts
}
