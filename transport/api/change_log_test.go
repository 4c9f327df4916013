package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// Who changed what is told with what differs, secrets aside, to admins of the
// customer alone.
func TestChangesTellWhoChangedWhat(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	made := b.call(admin, "POST", "/v1/endpoints", `{"name":"Front desk","url":"https://example.com/a?key=one","headers":{"X-Key":"the first"}}`)
	b.wantStatus(made, 201)
	path := "/v1/endpoints/" + read[ShownEndpoint](b, made).ID
	for _, step := range [][2]string{{"PATCH", `{"name":"Back desk","url":"https://example.com/a?key=two","headers":{"X-Key":"the second"}}`}, {"POST /pause", ""}, {"POST /resume", ""}, {"POST /rotate", "{}"}, {"PATCH", `{"name":"Back desk"}`}} {
		method, rest, _ := strings.Cut(step[0], " ")
		if got := b.call(admin, method, path+rest, step[1]); got.status >= 300 {
			t.Fatalf("%v: %d %s", step, got.status, got.body)
		}
	}
	b.wantStatus(b.call(admin, "DELETE", path, ""), 204)
	alert := b.call(admin, "POST", "/alerts", anAlert)
	b.wantStatus(alert, 201)
	id := read[struct{ ID string }](b, alert).ID
	b.wantStatus(b.call(admin, "PATCH", "/alerts/"+id, `{"vin":"004352"}`), 200)
	b.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 7}
	b.wantStatus(b.call(admin, "PATCH", "/v1/customers/acme", `{"email":"a@example.com"}`), 200)

	var told []string
	for _, c := range read[SettingChangeList](b, b.call(admin, "GET", "/v1/changes", "")).Items {
		line := c.Kind + " " + c.What
		for _, one := range c.Changes {
			line += fmt.Sprintf(" %s:%s>%s", one.Field, one.From, one.To)
		}
		if told = append(told, line); c.By == "" || c.Customer != "acme" || !c.At.Equal(testNow) {
			t.Errorf("%+v", c)
		}
	}
	got, want := strings.Join(told, "\n"), strings.Join([]string{`customer edited email:>"a@example.com"`, `alert edited vin:>"004352"`, "alert created", "endpoint removed", "endpoint edited", "endpoint rotated", "endpoint resumed", "endpoint paused",
		`endpoint edited name:"Front desk">"Back desk" url:"https://example.com/a?key=***">"https://example.com/a?key=***" headers.X-Key:"***">"***"`, "endpoint created"}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if all := fmt.Sprint(b.changes); strings.Contains(all, "the first") || strings.Contains(all, "key=one") || strings.Contains(all, "whsec") {
		t.Errorf("a secret is kept: %s", all)
	}

	count := func(as, query string) int {
		t.Helper()
		got := b.call(as, "GET", "/v1/changes?"+query, "")
		b.wantStatus(got, 200)
		return len(read[SettingChangeList](b, got).Items)
	}
	for query, want := range map[string]int{"kind=alert": 2, "target=acme": 1, "kind=endpoint&target=" + id: 0, "to=" + testNow.Format("2006-01-02T15:04:05Z"): 0} {
		if got := count(admin, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if n := count(token(t, "other", RoleAdmin), ""); n != 0 {
		t.Errorf("another customer sees %d", n)
	}
	if n := count(token(t, "", RoleOperator), "customer=acme"); n != len(told) {
		t.Errorf("an operator sees %d", n)
	}
	pages, cursor := 0, ""
	for seen := 0; seen < len(told); pages++ {
		list := read[SettingChangeList](b, b.call(admin, "GET", "/v1/changes?limit=4&cursor="+cursor, ""))
		if seen, cursor = seen+len(list.Items), list.NextCursor; len(list.Items) == 0 {
			t.Fatal("a page with nothing")
		}
	}
	if pages != 3 || cursor != "" {
		t.Errorf("%d pages, cursor %q", pages, cursor)
	}
}
