package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/payload/catalogue"
)

func TestEventTypes(t *testing.T) {
	b := start(t, nil)
	anyone := token(t, "acme", RoleGetAlerts)
	whole := read[EventTypeList](b, b.call(anyone, "GET", "/v1/event-types?limit=500", ""))
	if len(whole.Items) != len(catalogue.All()) || whole.NextCursor != "" {
		t.Errorf("%d items of %d, next %q", len(whole.Items), len(catalogue.All()), whole.NextCursor)
	}
	for _, e := range whole.Items {
		if e.Type == "" || e.Description == "" || e.Hardware == nil || !json.Valid(e.Sample) || !json.Valid(e.Schema) {
			t.Errorf("%+v", e)
		}
	}
	for query, want := range map[string]string{
		"category=schedule":            "schedule.activated schedule.deactivated",
		"q=Forced":                     "door.forced_open door.secured door.forced_and_held_open",
		"category=door&q=held":         "door.secured door.held_open door.forced_and_held_open",
		"category=access&q=nowhere":    "",
		"q=SEQUR_ACCESS_DENIED_AIR":    "access.denied.airlock",
		"category=alert&q=&limit=1":    "alert.matches_found",
		"q=audit.user_location.un%2B+": "",
	} {
		got := b.call(anyone, "GET", "/v1/event-types?"+query, "")
		b.wantStatus(got, 200)
		if types := strings.Join(typesOf(read[EventTypeList](b, got)), " "); types != want || !strings.Contains(got.body, `"items":[`) {
			t.Errorf("%s: %q, want %q", query, types, want)
		}
	}
	b.want(b.call(anyone, "GET", "/v1/event-types?category=doors", ""), 400,
		`{"message":"category: not a category; choose access, door, control_point, monitor_point, interface_panel, schedule, remote_operation, audit, alert, ops","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"category"}}`)
	b.wantStatus(b.call("", "GET", "/v1/event-types", ""), 401)
}

func typesOf(list EventTypeList) (types []string) {
	for _, e := range list.Items {
		types = append(types, e.Type)
	}
	return types
}

func TestPagesOfEventTypes(t *testing.T) {
	b := start(t, nil)
	anyone := token(t, "acme", RoleGetAlerts)
	var all []string
	cursor := ""
	for page := 0; page == 0 || cursor != ""; page++ {
		list := read[EventTypeList](b, b.call(anyone, "GET", "/v1/event-types?limit=7&category=audit&cursor="+cursor, ""))
		all, cursor = append(all, typesOf(list)...), list.NextCursor
	}
	whole := typesOf(EventTypeList{Items: catalogue.Search("audit", "")})
	if !slices.Equal(all, whole) {
		t.Errorf("pages hold\n%v, not\n%v", all, whole)
	}
	for _, query := range []string{"cursor=!", "cursor=YWJj", "limit=501", "category=door&cursor=" + listOfTypes.cursorAt("audit.card.created")} {
		b.wantStatus(b.call(anyone, "GET", "/v1/event-types?"+query, ""), 400)
	}
}

func TestAsyncAPIIsServed(t *testing.T) {
	b := start(t, nil)
	got := b.call("", "GET", "/asyncapi.json", "")
	b.want(got, 200, string(catalogue.AsyncAPI()))
	if kind := got.header.Get("Content-Type"); kind != "application/vnd.aai.asyncapi+json;version=3.0.0" {
		t.Error(kind)
	}
	if docs := b.call("", "GET", "/docs", "").body; !strings.Contains(docs, `href="/asyncapi.json"`) {
		t.Error("the page does not name it")
	}
}
