package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func someRuns() []transport.Run {
	at := testNow.Add(-time.Minute)
	return []transport.Run{
		{ID: "r1", Customer: "acme", Type: "normal", State: transport.RunDone, Since: 2, From: 3, To: 9, Through: 9, Detections: 8, Alerts: 1, Matches: 2, Event: 7, StartedAt: at, FinishedAt: testNow},
		{ID: "r2", Customer: "acme", Type: "hot", State: transport.RunOpen, Since: 10, From: 10, To: 12, Through: 12, StartedAt: at},
		{ID: "r3", Customer: "other", Type: "hot", State: transport.RunOpen, Since: 1, From: 1, To: 2, Through: 2, Error: "the log of detections cannot be read", StartedAt: at},
		{ID: "r4", Customer: "quiet", Type: transport.RunCatchUp, State: transport.RunDone, Since: 1, From: 1, To: 0, StartedAt: at, FinishedAt: testNow},
		{ID: "r5", Customer: "quiet", Type: transport.RunSummary, State: transport.RunDone, Since: 2, From: 2, To: 1, Through: 1, StartedAt: at, FinishedAt: testNow},
		{Customer: "waits", Type: "hot", Since: 1, Error: "Redis is not available"},
	}
}

func TestRunsAreStarted(t *testing.T) {
	b := start(t, nil)
	b.runs = someRuns()
	runner := token(t, "acme", RoleRunAlerts)
	b.want(b.call(runner, "POST", "/alerts/run", `{"alert_type":"hot"}`), 202,
		`{"run_id":"r2","customer":"acme","alert_type":"hot","status":"accepted","detections":0,"alerts":0,"total_matches":0}`)
	b.want(b.call(runner, "POST", "/alerts/run", `{"alert_type":"normal","wait":true}`), 200,
		`{"run_id":"r1","customer":"acme","alert_type":"normal","status":"finished","from":2,"to":9,"detections":8,"alerts":1,"total_matches":2,"started_at":"2026-01-02T03:03:05Z","finished_at":"2026-01-02T03:04:05Z"}`)
	b.want(b.call(token(t, "quiet", RoleRunAlerts), "POST", "/alerts/run", `{"wait":true}`), 200, // that nothing is new is told in no numbers
		`{"run_id":"r5","customer":"quiet","alert_type":"summary","status":"finished","detections":0,"alerts":0,"total_matches":0,"started_at":"2026-01-02T03:03:05Z","finished_at":"2026-01-02T03:04:05Z"}`)
	b.want(b.call(token(t, "waits", RoleRunAlerts), "POST", "/alerts/run", `{"wait":true,"alert_type":"hot"}`), 202,
		`{"run_id":"","customer":"waits","alert_type":"hot","status":"waiting","reason":"Redis is not available","detections":0,"alerts":0,"total_matches":0}`)
	failed := b.call(token(t, "other", RoleRunAlerts), "POST", "/alerts/run", `{"alert_type":"hot","wait":true}`)
	b.want(failed, 202, `{"run_id":"r3","customer":"other","alert_type":"hot","status":"failed","reason":"the log of detections cannot be read","from":1,"to":2,"detections":0,"alerts":0,"total_matches":0,"started_at":"2026-01-02T03:03:05Z"}`)
	b.want(b.call(token(t, "empty", RoleRunAlerts), "POST", "/alerts/run", ``), 400,
		`{"message":"alert_type: there is nothing to run: customer empty has no active alert of type normal or hot","error_type":"AlertValidationError","error_code":"ALERT_VALIDATION_ERROR","details":{"field":"alert_type"}}`)
	for body, word := range map[string]string{`{"alert_type":"live"}`: "live alerts run as detections come", `{"alert_type":"x"}`: "no type that can be run", `{"type":"hot"}`: "unknown field"} {
		if got := b.call(runner, "POST", "/alerts/run", body); got.status != 400 || !strings.Contains(got.body, word) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.want(b.call(token(t, "acme", RoleCreateAlert), "POST", "/alerts/run", `{}`), 403, `{"detail":"User lacks required roles: ['admin', 'run-summary-alert']"}`)
	b.want(b.call(runner, "POST", "/alerts/run", `{"customer":"other"}`), 403, `{"detail":"Token of customer 'acme' may not act for another customer"}`)
	b.wantStatus(b.call(token(t, "", RoleOperator), "POST", "/alerts/run", `{"customer":"other","alert_type":"hot"}`), 202)
	if fmt.Sprint(b.ran) != "[acme.hot acme.normal quiet.summary waits.hot other.hot empty.summary other.hot]" {
		t.Errorf("ran %q", b.ran)
	}
}

func TestRunsAreShownWithTheirMatches(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Redact = func(doc []byte) []byte { return []byte(strings.ReplaceAll(string(doc), "ABC1234", "***")) }
	})
	b.runs = someRuns()
	b.eventLog = map[uint64]*transport.Event{7: {ID: "r1", Data: []byte(`{"run_id":"r1","matches":[{"license_plate":"ABC1234"}],"total_matches":2}`)}}
	anyone := token(t, "acme", RoleGetAlerts)
	shown := b.call(anyone, "GET", "/v1/runs/r1", "")
	b.wantStatus(shown, 200)
	if !strings.HasSuffix(shown.body, `"event":"r1","report":{"run_id":"r1","matches":[{"license_plate":"***"}],"total_matches":2}}`) {
		t.Error(shown.body)
	}
	delete(b.eventLog, 7)
	for id, note := range map[string]string{"r1": "its event is no longer kept", "r2": "the run has not finished"} {
		if got := read[ShownRun](b, b.call(anyone, "GET", "/v1/runs/"+id, "")); got.ReportNote != note || got.Report != nil {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := read[ShownRun](b, b.call(token(t, "quiet", RoleGetAlerts), "GET", "/v1/runs/r4", "")); got.ReportNote != "nothing matched, so nothing was reported" || got.AlertType != "live" {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"r3", "none"} {
		b.want(b.call(anyone, "GET", "/v1/runs/"+id, ""), 404, `{"message":"Run `+id+` not found","error_type":"RunNotFoundError","error_code":"RUN_NOT_FOUND"}`)
	}
}

func TestRunsAreListedByPage(t *testing.T) {
	b := start(t, nil)
	b.runs = someRuns()
	first := read[RunList](b, b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/runs?limit=1", ""))
	second := read[RunList](b, b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/runs?limit=1&cursor="+first.NextCursor, ""))
	if first.Items[0].ID != "r1" || second.Items[0].ID != "r2" || second.NextCursor != "" {
		t.Errorf("%+v, %+v", first, second)
	}
	operator := token(t, "", RoleOperator)
	if n := len(read[RunList](b, b.call(operator, "GET", "/v1/runs?alert_type=summary", "")).Items); n != 1 {
		t.Errorf("%d summaries", n)
	}
	if n := len(read[RunList](b, b.call(operator, "GET", "/v1/runs?alert_type=hot", "")).Items); n != 2 {
		t.Errorf("%d hot ones", n)
	}
	b.wantStatus(b.call(operator, "GET", "/v1/runs?alert_type=warm", ""), 400)
}
