package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// The fake's side of replays: a wish chooses three, and is over at once.

func (n *node) Replay(_ context.Context, endpoint string, ev *transport.Event) (uint64, error) {
	n.again = append(n.again, fmt.Sprint(ev.Seq, " ", endpoint))
	return 9, n.failure
}

func (n *node) Count(_ context.Context, w transport.ReplayWish) (uint64, error) {
	n.wishes = append(n.wishes, w)
	return 3, n.failure
}

func (n *node) Start(_ context.Context, w transport.ReplayWish) (*transport.ReplayJob, error) {
	n.wishes = append(n.wishes, w)
	job := transport.ReplayJob{ID: fmt.Sprintf("r-%d", len(n.jobs)+1), Number: 7, ReplayWish: w, State: transport.ReplayRunning,
		Total: 3, CreatedAt: testNow, UpdatedAt: testNow}
	n.jobs = append([]transport.ReplayJob{job}, n.jobs...)
	return &job, n.failure
}

func (n *node) Jobs(customer string) (list []transport.ReplayJob) {
	for _, j := range n.jobs {
		if customer == "" || j.Customer == customer {
			list = append(list, j)
		}
	}
	return list
}

func (n *node) Job(id string) (*transport.ReplayJob, error) {
	for i := range n.jobs {
		if n.jobs[i].ID == id {
			return &n.jobs[i], n.failure
		}
	}
	return nil, transport.ErrNotFound
}

func (n *node) Cancel(_ context.Context, id string) (*transport.ReplayJob, error) {
	job, err := n.Job(id)
	if err == nil {
		job.State = transport.ReplayCancelled
	}
	return job, err
}

func (n *node) Past(_ context.Context, ep *transport.Endpoint, from time.Time) (string, error) {
	n.jobs = append(n.jobs, transport.ReplayJob{ID: "past", ReplayWish: transport.ReplayWish{Customer: ep.Customer, Endpoint: ep.ID, From: from}})
	return "past", n.failure
}

func (n *node) Begin(id string, revision uint64) {
	n.begun = append(n.begun, fmt.Sprint(id, " ", revision))
}

func (n *node) CountDeadLetters(_ context.Context, f transport.LetterFilter) (uint64, error) {
	n.purges = append(n.purges, f)
	return uint64(len(n.letters)), n.failure
}

func (n *node) PurgeDeadLetters(_ context.Context, f transport.LetterFilter) (uint64, error) {
	n.purges = append(n.purges, f)
	count := len(n.letters)
	clear(n.letters)
	return uint64(count), n.failure
}

func TestADeliveryIsReplayed(t *testing.T) {
	b, d := logged(t, nil)
	may := token(t, "acme", RoleReplay)
	path := "/v1/deliveries/" + transport.DeliveryID(d.Pair) + "/replay"
	refused := func(word string) {
		t.Helper()
		if got := b.call(may, "POST", path, ""); got.status != 409 || !strings.Contains(got.body, word) {
			t.Errorf("got %d %s, want 409 with %q", got.status, got.body, word)
		}
	}
	refused("retrying and has no outcome yet")
	d.State = transport.StateDelivered
	refused("disabled") // the endpoint of the fake is not enabled
	b.endpoints[deliveryEndpoint].Enabled = true
	b.want(b.call(may, "POST", path, ""), 202, `{"id":"7-`+deliveryEndpoint+`.9","replay":9,"status":"accepted"}`)
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "POST", path, ""), 404)
	delete(b.eventLog, 7)
	refused("no longer kept")
	b.endpoints[deliveryEndpoint].Customer = "other"
	refused("removed")
	d.Endpoint, d.Replay = "", 0
	path = "/v1/deliveries/7-_/replay"
	refused("skipped as a whole")
	if fmt.Sprint(b.again) != "[7 "+deliveryEndpoint+"]" {
		t.Errorf("replayed %q", b.again)
	}
}

func TestReplaysByFilter(t *testing.T) {
	b := start(t, nil)
	may, operator := token(t, "acme", RoleReplay), token(t, "", RoleOperator)
	const filter = `"endpoint":"01980000-0000-7000-8000-000000000000","event":"i","type":"a.>","status":"503","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","rate":50`
	b.want(b.call(may, "POST", "/v1/replays", `{"dry_run":true,`+filter+`}`), 200, `{"count":3,"dry_run":true}`)
	const job = `{"id":"r-1","replay":7,"source":"deliveries","customer":"acme","endpoint":"01980000-0000-7000-8000-000000000000","event":"i","type":"a.\u003e","status":"503",` +
		`"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","rate":50,"state":"%s","total":3,"done":0,"replayed":0,"gone":0,"skipped":0,` +
		`"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`
	running := strings.ReplaceAll(fmt.Sprintf(job, "running"), `\u003e`, ">")
	b.want(b.call(may, "POST", "/v1/replays", `{`+filter+`}`), 202, `{"count":3,"dry_run":false,"replay":`+running+`}`)
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/replays/r-1", ""), 200, running)
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/replays", ""), 200, `{"items":[`+running+`]}`)
	b.wantStatus(b.call(operator, "POST", "/v1/replays", `{"endpoint":"01980000-0000-7000-8000-000000000000"}`), 202) // of all customers
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/replays/r-2", ""), 404,
		`{"message":"Replay r-2 not found","error_type":"ReplayNotFoundError","error_code":"REPLAY_NOT_FOUND"}`)
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "DELETE", "/v1/replays/r-1", ""), 404)
	b.want(b.call(may, "DELETE", "/v1/replays/r-1", ""), 200, strings.ReplaceAll(running, `"running"`, `"cancelled"`))
	page := read[ReplayList](b, b.call(operator, "GET", "/v1/replays?limit=1", ""))
	next := read[ReplayList](b, b.call(operator, "GET", "/v1/replays?limit=1&cursor="+page.NextCursor, ""))
	if page.Items[0].ID != "r-2" || next.Items[0].ID != "r-1" || next.NextCursor != "" {
		t.Errorf("pages %+v %+v", page, next)
	}
	for body, field := range map[string]string{
		`{}`: "endpoint", `{"to":"2026-01-02T00:00:00Z"}`: "endpoint", `{"endpoint":"01980000-0000-7000-8000-000000000000","rate":-1}`: "rate", `{"endpoint":"01980000-0000-7000-8000-000000000000","rate":10001}`: "rate",
		`{"endpoint":"01980000-0000-7000-8000-000000000000","from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}`: "to", `{"endpoint":1}`: "endpoint", `{"colour":"red"}`: "colour",
	} {
		if got := b.call(may, "POST", "/v1/replays", body); got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.wantStatus(b.call(may, "POST", "/v1/replays", `{"customer":"other","endpoint":"01980000-0000-7000-8000-000000000000"}`), 403)
}

func TestDeadLettersAreReplayedAndPurgedByFilter(t *testing.T) {
	b := start(t, nil)
	b.letters[1] = &transport.DeadLetter{ID: 1, Customer: "acme"}
	may, admin := token(t, "acme", RoleReplay), token(t, "acme", RoleAdmin)
	b.want(b.call(may, "POST", "/v1/deadletters/replay", `{"reason":"gone","dry_run":true}`), 200, `{"count":3,"dry_run":true}`)
	b.wantStatus(b.call(may, "POST", "/v1/deadletters/replay", `{"reason":"gone"}`), 202)
	b.wantStatus(b.call(may, "POST", "/v1/deadletters/replay", `{}`), 400)
	want := transport.ReplayWish{Source: transport.ReplayLetters, Customer: "acme", Reason: "gone"}
	if b.wishes[0] != want || b.wishes[1] != want {
		t.Errorf("wished %+v", b.wishes)
	}
	b.wantStatus(b.call(may, "DELETE", "/v1/deadletters?reason=gone", ""), 403)
	b.wantStatus(b.call(admin, "DELETE", "/v1/deadletters", ""), 400)
	b.wantStatus(b.call(admin, "DELETE", "/v1/deadletters?customer=other&reason=gone", ""), 403)
	b.want(b.call(admin, "DELETE", "/v1/deadletters?reason=gone&dry_run=true", ""), 200, `{"count":1,"dry_run":true}`)
	b.want(b.call(admin, "DELETE", "/v1/deadletters?endpoint=01980000-0000-7000-8000-000000000000&to=2026-01-01T00:00:00Z", ""), 200, `{"count":1,"dry_run":false}`)
	if len(b.letters) != 0 || fmt.Sprint(b.purges) != fmt.Sprint([]transport.LetterFilter{{Customer: "acme", Reason: "gone"},
		{Customer: "acme", Endpoint: "01980000-0000-7000-8000-000000000000", To: testNow.Truncate(24*time.Hour).AddDate(0, 0, -1)}}) {
		t.Errorf("purged by %+v", b.purges)
	}
}

func TestAnEndpointThatStartsInThePast(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/","from":"2025-01-01T00:00:00Z"}`)
	if ep.Replay != "past" || !ep.From.Equal(testNow.AddDate(-1, 0, -1).Truncate(24*time.Hour)) || fmt.Sprint(b.begun) != "[past 1]" {
		t.Errorf("replay %q from %s, begun %q", ep.Replay, ep.From, b.begun)
	}
	if got := b.made("acme", `{"url":"https://example.com/2"}`); got.Replay != "" || len(b.jobs) != 1 {
		t.Errorf("a replay without a from: %q", got.Replay)
	}
	b.failure = transport.ErrUnavailable
	admin := token(t, "acme", RoleAdmin)
	b.wantStatus(b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/3","from":"2025-01-01T00:00:00Z"}`), 503)
	b.failure = nil
	b.made("acme", `{"url":"https://example.com/4","profile":"genlogs"}`)
	b.jobs = nil
	got := b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/4","profile":"genlogs","from":"2025-01-01T00:00:00Z"}`)
	if got.status != 400 || len(b.jobs) != 1 || b.jobs[0].State != transport.ReplayCancelled || len(b.begun) != 1 {
		t.Errorf("an endpoint that was refused: %d, %+v", got.status, b.jobs)
	}
}
