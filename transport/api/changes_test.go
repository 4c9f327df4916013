package api

import "testing"

// Headers are told one by one, also where there were none, or none are left.
func TestChangesOfHeadersThatCameOrWent(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	admin := token(t, "acme", RoleAdmin)
	for _, c := range []struct{ body, field string }{{`{"headers":{"X-Team":"doors"}}`, "headers.X-Team"}, {`{"headers":{"X-Team":null}}`, "headers.X-Team"}} {
		got := b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, c.body)
		b.wantStatus(got, 200)
		if shown := read[ShownEndpoint](b, got); len(shown.Changes) != 1 || shown.Changes[0].Field != c.field {
			t.Errorf("%s: %+v", c.body, shown.Changes)
		}
	}
}
