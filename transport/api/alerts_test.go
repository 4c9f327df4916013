package api

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

const anAlert = `{"alert_name":"Stolen Trailer T-123","email":"fleet@example.com","trailer_number":"T-123"}`

// madeAlert creates an alert as admin of customer.
func (b *bench) madeAlert(customer, body string) matching.Alert {
	b.Helper()
	got := b.call(token(b, customer, RoleAdmin), "POST", "/alerts", body)
	b.wantStatus(got, 201)
	return read[matching.Alert](b, got)
}

func TestAnAlertIsAnsweredWithAllItsFields(t *testing.T) {
	b := start(t, nil)
	got := b.call(token(t, "acme", RoleCreateAlert), "POST", "/alerts", `{"alert_name":"Stolen Trailer T-123","email":"Fleet@Example.COM","cc_emails":["b@EXAMPLE.com"],`+
		`"trailer_number":"T-123","alert_type":"hot","exact_match_trailer_number":false,"max_differences":null}`)
	id := read[matching.Alert](b, got).ID
	const rest = `,"customer":"acme","alert_name":"Stolen Trailer T-123","email":"Fleet@example.com","cc_emails":["b@example.com"],"description":"","is_active":true,"alert_type":"hot",` +
		`"license_plate":"","license_plate_state":"","vin":"","usdot_number":"","mc_number":"","trailer_number":"T-123","exact_match_trailer_number":false,"cab_number":"","trailer_logo":"",` +
		`"chassis_number":"","exact_match_chassis_number":true,"container_number":"","exact_match_container_number":true,"equipment_type":"","location_state":"","location_city":"","deep_search":"",` +
		`"start_date":"","end_date":"","match":"all","lookalikes":false,"max_differences":0,"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`
	b.want(got, 201, `{"id":"`+id+`"`+rest)
	shown := b.call(token(t, "acme", RoleGetAlerts), "GET", "/alerts/"+id, "")
	b.want(shown, 200, `{"id":"`+id+`"`+rest)
	if tag := got.header.Get("ETag"); tag == "" || tag != shown.header.Get("ETag") {
		t.Errorf("ETag %q, then %q", tag, shown.header.Get("ETag"))
	}
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/alerts", ""), 200, `{"items":[{"id":"`+id+`"`+rest+`]}`)
}

// Each is the answer, byte for byte.
func TestAlertsThatAreRefused(t *testing.T) {
	b := start(t, nil)
	b.customers["acme"] = &transport.Customer{ID: "acme", TimeZone: "America/Chicago"}
	admin := token(t, "acme", RoleAdmin)
	with := func(fields string) string { return strings.TrimSuffix(anAlert, "}") + "," + fields + "}" }
	for _, c := range []struct{ body, message, details string }{
		{`{}`, "alert_name: is missing; give the alert a name", `{"field":"alert_name"}`},
		{`{"alert_name":"a","vin":"123456"}`, "email: is missing; give the address that matches are sent to", `{"field":"email"}`},
		{`{"alert_name":"a","email":"x"}`, "email: is no e-mail address; give one such as name@example.com", `{"email":"x","field":"email"}`},
		{with(`"cc_emails":["a@example.com","a@[127.0.0.1]"]`), "cc_emails[1]: has no domain name after the @; give an address such as ops@example.com", `{"cc_emails[1]":"a@[127.0.0.1]","field":"cc_emails[1]"}`},
		{with(`"licence_plate":"A"`), "licence_plate: unknown field; check its spelling, or leave it out", `{"field":"licence_plate"}`},
		{with(`"Email":"a@example.com"`), "Email: unknown field; check its spelling, or leave it out", `{"field":"Email"}`},
		{with(`"position":1`), "position: unknown field; check its spelling, or leave it out", `{"field":"position"}`},
		{with(`"id":"x"`), "id: is set by Postrider; leave it out", `{"field":"id"}`},
		{with(`"is_active":"yes"`), "is_active: expected true or false", `{"field":"is_active"}`},
		{with(`"alert_type":"warm"`), "alert_type: is no kind of alert; give normal, hot or live", `{"alert_type":"warm","field":"alert_type"}`},
		{with(`"max_differences":3`), "max_differences: is out of range; give 0 to 2", `{"field":"max_differences","max_differences":"3"}`},
		{with(`"end_date":"soon"`), "end_date: is no date; give a day such as 2024-05-21, or a time such as 2024-05-21T12:00:00Z", `{"end_date":"soon","field":"end_date"}`},
		{`[]`, "body: not a JSON object; send {…}", `{"field":"body"}`},
	} {
		b.want(b.call(admin, "POST", "/alerts", c.body), 400,
			`{"message":"`+c.message+`","error_type":"AlertValidationError","error_code":"ALERT_VALIDATION_ERROR","details":`+c.details+`}`)
	}
	if len(b.alerts) > 0 {
		t.Errorf("%d were kept", len(b.alerts))
	}
	b.want(b.call(admin, "GET", "/alerts/123e4567-e89b-12d3-a456-426614174000", ""), 404,
		`{"message":"Alert 123e4567-e89b-12d3-a456-426614174000 not found","error_type":"AlertNotFoundError","error_code":"ALERT_NOT_FOUND"}`)
	b.want(b.call(token(t, "acme", RoleGetAlerts), "POST", "/alerts", anAlert), 403, `{"detail":"User lacks required roles: ['admin', 'create-alert-endpoint']"}`)
}

func TestAlertsAreChangedByMergePatch(t *testing.T) {
	b := start(t, nil)
	a := b.madeAlert("acme", anAlert)
	editor, path := token(t, "acme", RoleEditAlert), "/alerts/"+a.ID
	b.wantStatus(b.call(editor, "PATCH", path, `{"trailer_number":null,"vin":"004352","alert_type":"live","is_active":false}`), 200)
	kept := b.alerts[a.ID].Alert
	if kept.TrailerNumber != "" || kept.VIN != "004352" || kept.AlertType != "live" || kept.IsActive || kept.AlertName != a.AlertName ||
		!kept.ExactMatchTrailerNumber || kept.Position == 0 || !kept.CreatedAt.Equal(testNow) {
		t.Errorf("kept %+v", kept)
	}
	shown := b.call(editor, "GET", path, "")
	b.wantStatus(b.call(editor, "PATCH", path, shown.body), 200) // what is shown may be sent back
	for body, field := range map[string]string{`{"id":"x"}`: "id", `{"customer":"other"}`: "customer", `{"created_at":"2020-01-01T00:00:00Z"}`: "created_at",
		`{"vin":null}`: "", `{"email":null}`: "email", `{"nme":1}`: "nme", `{"id":{}}`: "id", `{"position":7}`: "position"} {
		got := b.call(editor, "PATCH", path, body)
		if got.status != 400 || field != "" && !strings.Contains(got.body, `"details":{"field":"`+field+`"`) || !strings.Contains(got.body, "AlertValidationError") {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.wantStatus(b.call(editor, "PATCH", path, `{"vin":"004353"}`, "If-Match", shown.header.Get("ETag")), 412)
	b.wantStatus(b.call(editor, "DELETE", path, "", "If-Match", `"1"`), 412)
	b.wantStatus(b.call(editor, "DELETE", path, ""), 204)
	b.wantStatus(b.call(editor, "GET", path, ""), 404)
	b.late = true
	b.wantStatus(b.call(token(t, "acme", RoleAdmin), "POST", "/alerts", anAlert), 202)
}

// What the documents tell of an alert is what is read.
func TestTheInputIsTheAlert(t *testing.T) {
	fields := func(t reflect.Type) map[string]string {
		all := map[string]string{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			all[name] = t.Field(i).Type.String()
		}
		return all
	}
	want := fields(reflect.TypeFor[matching.Alert]())
	for _, name := range append([]string{"-", "position"}, ownAlertFields...) {
		delete(want, name)
	}
	if got := fields(reflect.TypeFor[AlertInput]()); !reflect.DeepEqual(got, want) {
		t.Errorf("the input has\n%v, the alert\n%v", got, want)
	}
}

func TestAlertsAreListedByPage(t *testing.T) {
	b := start(t, nil)
	var ids []string
	for i := range 5 {
		ids = append(ids, b.madeAlert("acme", strings.Replace(anAlert, "T-123", fmt.Sprint("T-", i), 1)).ID)
	}
	b.madeAlert("other", strings.Replace(anAlert, `{`, `{"alert_type":"live",`, 1))
	reader, got, cursor := token(t, "acme", RoleGetAlerts), []string(nil), ""
	for {
		page := read[AlertList](b, b.call(reader, "GET", "/alerts?limit=2&cursor="+cursor, ""))
		for _, a := range page.Items {
			got = append(got, a.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
	operator := token(t, "", RoleOperator)
	for query, want := range map[string]int{"": 6, "?customer=other": 1, "?alert_type=live": 1, "?alert_type=hot": 0, "?customer=acme&alert_type=normal": 5} {
		if n := len(read[AlertList](b, b.call(operator, "GET", "/alerts"+query, "")).Items); n != want {
			t.Errorf("%q lists %d, want %d", query, n, want)
		}
	}
	b.wantStatus(b.call(reader, "GET", "/alerts?alert_type=warm", ""), 400)
	b.wantStatus(b.call(reader, "GET", "/alerts?customer=other", ""), 403)
}

func TestPreview(t *testing.T) {
	b := start(t, func(o *Options) {
		o.PreviewTime, o.Links = 50*time.Millisecond, matching.Links{ResultURL: "https://example.com/r/{id}"}
	})
	b.detections = []string{`{"id":"1","license_plate":"ABC1234"}`, `{"id":"2","license_plate":"XYZ"}`, `not a detection`, `{"id":"4","license_plate":"abc-1234","city":"Houston"}`, `{"id":"5","license_plate":"ABC1234"}`}
	creator := token(t, "acme", RoleCreateAlert)
	got := b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234","is_active":false,"from":"2026-01-01T03:04:05Z"}`)
	b.wantStatus(got, 200)
	p := read[AlertPreview](b, got)
	if p.TotalMatches != 2 || p.Detections != 3 || !p.Complete || len(p.Matches) != 2 || p.Matches[1].City != "Houston" ||
		p.Matches[1].ResultURL != "https://example.com/r/4" || p.Matches[0].AlertName != "preview" || !p.To.Equal(testNow) {
		t.Errorf("%s", got.body)
	}
	if p := read[AlertPreview](b, b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234","from":"2026-01-02T00:00:00Z","to":"2026-01-02T02:04:05Z"}`)); p.TotalMatches != 0 || p.Detections != 1 {
		t.Errorf("%+v", p)
	}
	b.hang = true
	if p := read[AlertPreview](b, b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234"}`)); p.Complete || !p.To.Equal(testNow.Add(-time.Hour)) || p.TotalMatches != 2 {
		t.Errorf("when the time is up: %+v", p)
	}
	b.hang = false
	for body, want := range map[string]string{
		`{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z","vin":"004352"}`: "to: lies before from; swap them",
		`{"from":"monday","vin":"004352"}`:                                           "from: expected a time such as 2026-01-31T12:00:00Z",
		`{}`:                                                                         "", `{"id":"x"}`: "id: is set", `{"until":1}`: "until: unknown field",
	} {
		got := b.call(creator, "POST", "/alerts/preview", body)
		if got.status != 400 || !strings.Contains(got.body, want) || !strings.Contains(got.body, "AlertValidationError") {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if len(b.alerts) > 0 {
		t.Error("a preview was kept")
	}
}

func TestPreviewsAreBounded(t *testing.T) {
	b := start(t, func(o *Options) { o.PreviewTime = time.Minute })
	for range 1200 {
		b.detections = append(b.detections, `{"license_plate":"ABC1234"}`)
	}
	creator := token(t, "acme", RoleCreateAlert)
	p := read[AlertPreview](b, b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234","from":"2020-01-01T00:00:00Z","to":"2026-01-02T03:04:06Z"}`))
	if p.TotalMatches != 1200 || len(p.Matches) != maxPreviewed {
		t.Errorf("%d shown of %d", len(p.Matches), p.TotalMatches)
	}
	b.entered, b.release = make(chan struct{}), make(chan struct{})
	var under sync.WaitGroup
	for range previewsAtOnce {
		under.Go(func() { b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234"}`) })
		<-b.entered
	}
	got := b.call(creator, "POST", "/alerts/preview", `{"license_plate":"ABC1234"}`)
	if got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("beyond what goes at once: %d %s", got.status, got.body)
	}
	close(b.release)
	under.Wait()
}
