package migrate

import (
	"encoding/json"
	"fmt"
)

// outpost reads a destination; those that are no webhooks are skipped.
func outpost(r *reader) string {
	r.pass("id", "created_at", "updated_at", "target", "target_url", "disabled_at")
	if kind := r.text("type"); kind != "webhook" && kind != "webhook_standard" {
		return fmt.Sprintf("it is of type %q, and only webhooks are sent here", cut(kind, 50))
	}
	d := r.e.Document
	d.Customer = r.text("tenant_id", "tenantId")
	config := r.object("config")
	target, _ := config["url"].(string)
	if target == "" {
		return "it has no config.url"
	}
	r.target(target)
	r.set("format", "raw")
	r.carried("body: the event's document as it was published")
	if r.o["type"] == "webhook_standard" {
		r.set("profile", "standard")
		r.carried("signature: Standard Webhooks")
	} else {
		r.set("profile", "custom")
		r.set("signature", map[string]any{"scheme": "hmac", "header": "x-outpost-signature", "algorithm": "sha256", "encoding": "hex", "prefix": "v0="})
		r.carried("signature: x-outpost-signature, v0= and HMAC-SHA256 in hex over the body; if yours has another template, change signature")
		r.header("x-outpost-event-id", "${event.id}")
		r.header("x-outpost-topic", "${event.type}")
		r.lost("x-outpost-timestamp: no such header is sent")
	}
	credentials := r.object("credentials")
	secret, _ := credentials["secret"].(string)
	r.secret(secret)
	if means(credentials["previous_secret"]) {
		r.lost("the previous secret: it signs no more")
	}
	if text, is := config["custom_headers"].(string); is && text != "" {
		var headers map[string]any
		if json.Unmarshal([]byte(text), &headers) != nil {
			r.lost("custom headers: they cannot be read")
		}
		r.headers(headers)
	}
	switch topics := r.value("topics").(type) {
	case string:
		r.events([]any{topics})
	case []any:
		r.events(topics)
	default:
		r.events(nil)
	}
	if means(r.value("filter")) {
		r.lost("filter: write it as CEL (filter)")
	}
	if r.o["disabled_at"] != nil {
		r.set("enabled", false)
		r.carried("disabled")
	}
	return ""
}
