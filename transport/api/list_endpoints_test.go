package api

import (
	"context"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestEndpointsAreFoundAndSorted(t *testing.T) {
	standings := map[string]transport.Standing{"c": {State: transport.StateFailing, Waiting: 5}, "d": {State: transport.StateFailing, Waiting: 900}, "a": {Waiting: 3}}
	b := start(t, func(o *Options) {
		o.Standings = func(context.Context) map[string]transport.Standing { return standings }
	})
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		b.keepAs("acme", id)
	}
	b.keepAs("other", "x")
	b.endpoints["b"].State = transport.StatePaused
	b.endpoints["e"].Enabled = false
	b.endpoints["c"].Name, b.endpoints["d"].Name = "Front Desk", "Back desk"
	anyone := token(t, "acme", RoleListEndpoints)
	ids := func(query string) (ids, cursor string, counts *EndpointCounts) {
		t.Helper()
		got := b.call(anyone, "GET", "/v1/endpoints?"+query, "")
		b.wantStatus(got, 200)
		list := read[EndpointList](b, got)
		for _, ep := range list.Items {
			ids += ep.ID
		}
		return ids, list.NextCursor, list.Counts
	}
	for query, want := range map[string]string{"": "abcde", "sort=trouble": "dceba", "state=failing": "cd", "state=active": "a", "state=disabled": "e",
		"q=DESK": "cd", "q=desk+front": "c", "q=desk+nowhere": "", "q=example.com&sort=trouble&state=failing": "dc", "q=x": "abcde"} {
		if got, _, counts := ids(query); got != want || counts != nil {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	all, cursor := "", ""
	for pages := 0; pages == 0 || cursor != ""; pages++ {
		var page string
		page, cursor, _ = ids("sort=trouble&limit=2&cursor=" + cursor)
		all += page
	}
	if all != "dceba" {
		t.Errorf("page by page: %s", all)
	}
	if _, _, counts := ids("counts=true&state=paused"); *counts != (EndpointCounts{All: 5, Active: 1, Paused: 1, Failing: 2, Disabled: 1}) {
		t.Errorf("%+v", counts)
	}
	b.wantStatus(b.call(anyone, "GET", "/v1/endpoints?sort=name", ""), 400)
}
