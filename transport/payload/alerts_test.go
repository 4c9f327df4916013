package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// sampleRun is a run that finds what GenLogs' document shows.
func sampleRun(t testing.TB, runID string, matches int) *transport.Event {
	a := matching.NewAlert()
	a.ID, a.AlertName = "456e7890-e12b-34d5-a678-426614174111", "Stolen Trailer T-123"
	a.Email = "[email\u00a0protected]" // as the document has it
	a.Description, a.CCEmails = "Alert for stolen trailer with specific identifiers", []string{"cc@example.com"}
	a.LicensePlate, a.VIN, a.USDOTNumber, a.MCNumber = "ABC1234", "1HGCM82633A004352", "987654", "111111"
	a.TrailerNumber, a.CabNumber, a.TrailerLogo = "T-123", "CAB789", "Some Logo"
	images := "https://api-assetlocator.genlogs.io/search/search_images/..."
	d := matching.Detection{Time: time.Date(2024, 5, 21, 7, 0, 0, 0, time.FixedZone("CDT", -5*3600)), City: "Houston", State: "TX", Road: "I-45",
		LatLong: "29.7604, -95.3698", LicensePlate: "ABC1234", VIN: "1HGCM82633A004352", USDOT: "987654", MC: "111111",
		CabNumber: "CAB789", TrailerLogo: []string{"Some Logo"}, TrailerNumber: "T-123",
		ResultURL: "https://app.genlogs.com/search/result/...", FrontViewURL: images, SideViewURL: images, RearViewURL: images}
	found := make([]matching.Match, matches)
	for i := range found {
		found[i] = matching.NewMatch(matching.Hit{Alert: &a, DeepSearch: "Matched text from deep search"}, &d, &matching.Links{})
		found[i].AlertName = "alert name" // the document's own slip
	}
	now := time.Date(2024, 5, 21, 12, 1, 0, 123456789, time.UTC)
	report := matching.NewReport(runID, 123, "normal", []*matching.Alert{&a}, found, now)
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(report); err != nil {
		t.Fatal(err)
	}
	return &transport.Event{Seq: 7, ID: runID, Customer: "acme", Type: "alert.matches_found", Time: now, Data: bytes.TrimSpace(data.Bytes())}
}

// The payload is the one of GenLogs' document, byte for byte.
func TestGenLogsMatchesFound(t *testing.T) {
	document, err := os.ReadFile("testdata/genlogs_matches_found.json")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, document); err != nil {
		t.Fatal(err)
	}
	got := render(t, endpoint("genlogs", "", ""), sampleRun(t, "0199c3a0-0000-5000-8000-000000000002", 1))
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got  %s\nwant %s", got, want.Bytes())
	}
}

func TestGenLogsMatchesFoundWhole(t *testing.T) {
	const n = 50_000
	ev := sampleRun(t, "run", n)
	began := time.Now()
	got := render(t, endpoint("genlogs", "", ""), ev)
	t.Logf("%d matches: %d bytes of %d, in %s", n, len(got), len(ev.Data), time.Since(began))
	var body struct {
		Matches []map[string]string `json:"matches"`
		Total   int                 `json:"total_matches"`
	}
	if err := json.Unmarshal(got, &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Matches) != n || body.Total != n {
		t.Errorf("%d matches, %d in total", len(body.Matches), body.Total)
	}
	keys := []string{"alert_name", "result_url", "front_view_url", "side_view_url", "rear_view_url", "time", "city", "state", "road",
		"lat_long", "license_plate", "vin", "usdot", "mc", "cab_number", "trailer_logo", "trailer_number", "deep_search"}
	for i, m := range body.Matches {
		if len(m) != len(keys) {
			t.Fatalf("match %d has the keys %v", i, m)
		}
	}
	at := 0
	for _, key := range keys {
		next := bytes.Index(got[at:], []byte(`"`+key+`":`))
		if next < 0 {
			t.Fatalf("%s is not in its place", key)
		}
		at += next
	}
}

// Other endpoints have the report as it is, with run_id, alert_id and cc_emails.
func TestMatchesFoundForOthers(t *testing.T) {
	ev := sampleRun(t, "run", 1)
	got := string(render(t, endpoint("standard", "", ""), ev))
	if !strings.Contains(got, `"data":`+string(ev.Data)) {
		t.Errorf("got %s", got)
	}
}

// What a producer publishes under that name and is no report gets the envelope
// of every other event.
func TestMatchesFoundThatIsNoReport(t *testing.T) {
	whole := `{"run_id":"1","alert_details":%s,"matches":%s,"total_matches":0,"timestamp":"x"}`
	for _, doc := range []string{`{}`, `[]`, `7`, `{"alert_details":[],"matches":[],"total_matches":0,"timestamp":"x"}`,
		`{"run_id":"1","alert_details":[],"matches":[],"total_matches":0}`,
		fmt.Sprintf(whole, `{}`, `[]`), fmt.Sprintf(whole, `[]`, `null`), fmt.Sprintf(whole, `[1]`, `[]`), fmt.Sprintf(whole, `[]`, `["a"]`)} {
		ev := sampleRun(t, "run", 1)
		ev.Data = []byte(doc)
		got := string(render(t, endpoint("genlogs", "", ""), ev))
		if !strings.Contains(got, `"data":`+doc) || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s", doc, got)
		}
	}
	ev := sampleRun(t, "run", 1)
	ev.Data = fmt.Appendf(nil, "  "+whole, " [ { } , { \"cc_emails\" : [1] , \"a\":1 } ] ", `[]`)
	got := string(render(t, endpoint("genlogs", "", ""), ev))
	if !strings.Contains(got, `"alert_details":[{},{"a":1}],"matches":[]`) || !json.Valid([]byte(got)) {
		t.Errorf("got %s", got)
	}
}

// Whatever valid document comes, the body is valid, and keeps all but two keys.
func FuzzMatchesFound(f *testing.F) {
	f.Add([]byte(`{"run_id":"1","alert_details":[{"cc_emails":[],"a":"\"}"}],"matches":[{"alert_id":"x"},{}],"total_matches":0,"timestamp":"x"}`))
	f.Add([]byte(`{"run_id":1,"matches":[{"alert_id":{"alert_id":1}}],"alert_details":[],"total_matches":[],"timestamp":{}}`))
	r, err := New(endpoint("genlogs", "", ""))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		body, ok := r.matchesFound(nil, &transport.Event{Type: "alert.matches_found", Data: data})
		if !ok {
			return
		}
		var got, want map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for _, m := range want["matches"].([]any) {
			delete(m.(map[string]any), "alert_id")
		}
		if !bytes.Contains(data, []byte(`\u`)) && !reflect.DeepEqual(got["matches"], want["matches"]) {
			t.Fatalf("matches %v, want %v", got["matches"], want["matches"])
		}
	})
}
