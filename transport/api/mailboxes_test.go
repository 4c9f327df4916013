package api

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// A mailbox is shown like any endpoint, and is not changed by itself.
func TestMailboxesAreReadOnly(t *testing.T) {
	b := start(t, nil)
	hook := b.made("acme", `{"url":"https://example.com"}`)
	box := &transport.Endpoint{ID: transport.MailboxID("acme", "a@example.com"), Customer: "acme", Kind: transport.KindEmail, Address: "a@example.com",
		Enabled: true, State: transport.StateDisabled, StateReason: "gone"}
	box.ApplyDefaults()
	b.mailboxes = []*transport.Endpoint{box}
	admin, path := token(t, "acme", RoleAdmin), "/v1/endpoints/"+box.ID
	shown := read[ShownEndpoint](b, b.call(admin, "GET", path, ""))
	if shown.Kind != "email" || shown.Address != "a@example.com" || shown.Events[0] != "alert.matches_found" {
		t.Errorf("%+v", shown)
	}
	for query, want := range map[string]string{"": hook.ID, "?kind=webhook": hook.ID, "?kind=email": box.ID} {
		if got := read[EndpointList](b, b.call(admin, "GET", "/v1/endpoints"+query, "")).Items; len(got) != 1 || got[0].ID != want {
			t.Errorf("%q: %+v", query, got)
		}
	}
	b.wantStatus(b.call(admin, "GET", "/v1/endpoints?kind=fax", ""), 400)
	for _, c := range [][2]string{{"PATCH", path}, {"DELETE", path}, {"POST", path + "/rotate"}, {"POST", path + "/pause"}} {
		b.want(b.call(admin, c[0], c[1], `{}`), 409,
			`{"message":"A mailbox is made from the addresses of alerts and of the customer: change those","error_type":"ConflictError","error_code":"CONFLICT"}`)
	}
	got := b.call(admin, "POST", path+"/resume", "")
	if got.status != 200 || !strings.Contains(got.body, `"state":"active"`) || box.State != transport.StateActive {
		t.Errorf("%d %s", got.status, got.body)
	}
	box.State, box.StateReason = transport.StatePaused, transport.ReasonMailboxUnconfirmed
	if got := b.call(admin, "POST", path+"/resume", ""); got.status != 409 || !strings.Contains(got.body, "not confirmed") || box.State != transport.StatePaused {
		t.Errorf("unconfirmed: %d %s", got.status, got.body)
	}
	box.State, box.StateReason = transport.StateActive, ""
	dry := read[TestResult](b, b.call(admin, "POST", path+"/test", `{"dry_run":true}`))
	if dry.Success || !strings.Contains(dry.Answer.Detail, "mails are not shown") {
		t.Errorf("%+v", dry)
	}
	for body, field := range map[string]string{`{"data":{"text":"buy now"}}`: "data", `{"type":"buy.now"}`: "type", `{"type":"a","data":1,"dry_run":true}`: "type"} {
		if refused := b.call(admin, "POST", path+"/test", body); refused.status != 400 || !strings.Contains(refused.body, `"field":"`+field+`"`) || len(b.tested) > 0 {
			t.Errorf("%s: %d %s", body, refused.status, refused.body)
		}
	}
	b.answer = transport.Answer{Class: transport.Delivered, Status: 250}
	if sent := read[TestResult](b, b.call(admin, "POST", path+"/test", ``)); !sent.Success || b.tested[0].Type != "postrider.test" {
		t.Errorf("%+v", sent)
	}
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "GET", path, ""), 404)
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "POST", path+"/resume", ""), 404)
	b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme", Endpoint: box.ID, Event: &transport.Event{Data: []byte(`{}`)}}
	b.wantStatus(b.call(admin, "POST", "/v1/deadletters/5/replay", ""), 202)
}
