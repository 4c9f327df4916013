package api

import (
	"strings"
	"testing"
)

func TestExpressionsAreKeptAsTheyAreWritten(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/","profile":"custom","filter":"event.data.n > 1.5","body_mode":"merge",
		"body":{"a":"${event.data.n}","n":1.50,"big":12345678901234567890},"headers":{"X-Id":"${event.id}"}}`)
	kept := b.endpoints[ep.ID]
	if kept.Filter != "event.data.n > 1.5" || string(kept.Body) != `{"a":"${event.data.n}","n":1.50,"big":12345678901234567890}` ||
		kept.BodyMode != "merge" || kept.Headers["X-Id"] != "${event.id}" || len(ep.Warnings) > 0 {
		t.Errorf("%+v, %s", kept, kept.Body)
	}
	admin := token(t, "acme", RoleAdmin)
	b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"filter":"event.data.n >"}`), 400)
	b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"filter":null,"body":null,"body_mode":null}`), 200)
	if kept = b.endpoints[ep.ID]; kept.Filter != "" || len(kept.Body) > 0 {
		t.Errorf("%+v", kept)
	}
}

// TestAWarningIsNoError: kept, and told in the answers to create and edit alone.
func TestAWarningIsNoError(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://http-intake.logs.datadoghq.com/api/v2/logs","delivery":{"success":"200"}}`)
	if len(ep.Warnings) != 1 || !strings.Contains(ep.Warnings[0], "set it to 2xx") {
		t.Errorf("%q", ep.Warnings)
	}
	admin, path := token(t, "acme", RoleAdmin), "/v1/endpoints/"+ep.ID
	if edited := read[ShownEndpoint](b, b.call(admin, "PATCH", path, `{"name":"x"}`)); len(edited.Warnings) != 1 {
		t.Errorf("%q", edited.Warnings)
	}
	if edited := read[ShownEndpoint](b, b.call(admin, "PATCH", path, `{"delivery":{"success":"2xx"}}`)); len(edited.Warnings) > 0 {
		t.Errorf("%q", edited.Warnings)
	}
	if shown := b.call(admin, "GET", path, ""); strings.Contains(shown.body, "warnings") {
		t.Error(shown.body)
	}
}

func TestADryRunShowsTheRequest(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/","headers":{"X-Key":"s3cret"}}`)
	anyone, path := token(t, "acme", RoleTestEndpoint), "/v1/endpoints/"+ep.ID+"/test"
	got := read[TestResult](b, b.call(anyone, "POST", path, `{"dry_run":true,"type":"a.b","data":{"n":1}}`))
	if !got.Success || !got.DryRun || got.Request.Body != `{"sent":true}` || got.Request.Headers["X-Key"] != "***" || got.Request.Headers["Webhook-Id"] != "id" ||
		got.Request.EventType != "a.b" || string(got.Request.Data) != `{"n":1}` || got.Request.URL != "https://example.com/" || got.Answer.Class != "" {
		t.Errorf("%+v", got)
	}
	got = read[TestResult](b, b.call(anyone, "POST", path, `{"dry_run":true,"type":"a.skipped"}`))
	if got.Success || got.Answer.Class != "skip" || got.Answer.Reason != "version_does_not_cover_hardware" || got.Request.Body != "" {
		t.Errorf("%+v", got)
	}
	sent := b.call(anyone, "POST", path, `{"dry_run":false}`)
	if got := read[TestResult](b, sent); strings.Contains(sent.body, "dry_run") || got.Request.Headers["X-Key"] != "***" || got.Request.Body != `{"sent":true}` {
		t.Errorf("a test that was sent says %s", sent.body)
	}
}

func TestRecipesAreListed(t *testing.T) {
	b := start(t, nil)
	b.wantStatus(b.call("", "GET", "/v1/recipes", ""), 401)
	got := read[RecipeList](b, b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/recipes", ""))
	for _, r := range got.Items {
		if r.Name == "datadog-logs" && r.Answers == 202 && len(r.Parameters) == 3 && strings.Contains(string(r.Endpoint), `"{{api_key}}"`) {
			return
		}
	}
	t.Errorf("%+v", got)
}
