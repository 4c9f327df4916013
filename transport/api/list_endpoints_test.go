package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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
	b.endpoints["a"].State = ""
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
	b.spans = map[string]transport.WaitingSpan{"d": {Oldest: testNow, Next: testNow.Add(time.Minute)}, "b": {Oldest: testNow}}
	for _, ep := range read[EndpointList](b, b.call(anyone, "GET", "/v1/endpoints", "")).Items {
		told := ep.Standing != nil && ep.Standing.OldestAt != nil
		if told != (ep.ID == "d") || told && (!ep.Standing.OldestAt.Equal(testNow) || !ep.Standing.NextAt.Equal(testNow.Add(time.Minute))) {
			t.Errorf("%s: %+v", ep.ID, ep.Standing)
		}
	}
}

// How an endpoint stands has since when it fails, what is under way, and since
// when what it is owed waits.
func TestAnEndpointTellsSinceWhenItWaits(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Standing = func(context.Context, string) (transport.Standing, bool) {
			return transport.Standing{State: transport.StateFailing, Breaker: "closed", Waiting: 3, InFlight: 2, Since: testNow.Add(-time.Hour)}, true
		}
	})
	id := uuid.NewString()
	b.keepAs("acme", id)
	b.spans = map[string]transport.WaitingSpan{id: {Oldest: testNow.Add(-time.Minute), Next: testNow.Add(time.Minute)}}
	anyone := token(t, "acme", RoleListEndpoints)
	show := func() *ShownStanding {
		t.Helper()
		return read[ShownEndpoint](b, b.call(anyone, "GET", "/v1/endpoints/"+id, "")).Standing
	}
	s := show()
	if s.InFlight != 2 || !s.Since.Equal(testNow.Add(-time.Hour)) || !s.OldestAt.Equal(testNow.Add(-time.Minute)) || !s.NextAt.Equal(testNow.Add(time.Minute)) {
		t.Errorf("%+v", s)
	}
	b.spans = nil
	if s := show(); s.OldestAt != nil || s.NextAt != nil {
		t.Errorf("%+v", s)
	}
}

// Names for ids that are at hand: one's own only, mailboxes too.
func TestEndpointsAreGivenByID(t *testing.T) {
	b := start(t, nil)
	mine, theirs, gone := uuid.NewString(), uuid.NewString(), uuid.NewString()
	b.keepAs("acme", mine)
	b.keepAs("acme", uuid.NewString())
	b.keepAs("other", theirs)
	got := b.call(token(t, "acme", RoleListEndpoints), "GET", "/v1/endpoints?ids="+strings.Join([]string{mine, theirs, gone, mine}, ","), "")
	if list := read[EndpointList](b, got).Items; got.status != 200 || len(list) != 1 || list[0].ID != mine {
		t.Errorf("%d %s", got.status, got.body)
	}
	operator := token(t, "", RoleOperator)
	if list := read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints?ids="+mine+","+theirs, "")).Items; len(list) != 2 {
		t.Errorf("%+v", list)
	}
	if list := read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints?customer=acme&ids="+mine+","+theirs, "")).Items; len(list) != 1 {
		t.Errorf("%+v", list)
	}
	for _, wrong := range []string{"x", mine + ",", strings.Repeat(mine+",", 100) + mine} {
		if got := b.call(operator, "GET", "/v1/endpoints?ids="+wrong, ""); got.status != 400 || !strings.Contains(got.body, `"field":"ids"`) {
			t.Errorf("%.50s: %d %s", wrong, got.status, got.body)
		}
	}
}
