package matching

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sample is a report of two matches, one of them of a detection that tells
// next to nothing.
func sample(t *testing.T) Report {
	t.Helper()
	full, err := alertOf(`{"alert_name":"Stolen Trailer T-123","description":"Alert <for> \"stolen\" trailer","license_plate":"ABC1234","cc_emails":["b@example.com"]}`)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := alertOf(`{"alert_name":"Any Texan","location_state":"TX"}`)
	if err != nil {
		t.Fatal(err)
	}
	bare.ID, bare.CCEmails = "00000000-e12b-34d5-a678-426614174111", nil
	seen := detectionOf(t, `{"id":"d/1","time":"2024-05-21T07:00:00-05:00","city":"Houston","state":"TX","road":"I-45","lat_long":"29.7604, -95.3698",
		"license_plate":"ABC1234","vin":"1HGCM82633A004352","usdot":987654,"mc":"111111","cab_number":"CAB789","trailer_logo":["Some Logo","Other"],
		"trailer_number":"T-123","rear_view_url":"https://example.com/own"}`)
	earlier := detectionOf(t, `{"time":"2024-05-21T11:59:59.5Z","state":"TX"}`)
	links := &Links{ResultURL: "https://app.example.com/result/{id}", RearViewURL: "https://app.example.com/rear/{id}"}
	return NewReport("run-1", 123, AlertHot, []*Alert{full, bare, full}, []Match{
		NewMatch(Hit{Alert: full, DeepSearch: "Matched text"}, seen, links), NewMatch(Hit{Alert: bare}, earlier, links),
	}, time.Date(2024, 5, 21, 14, 1, 0, 123456789, time.FixedZone("", 7200)))
}

func TestReportGolden(t *testing.T) {
	const golden = "testdata/report.json"
	r := sample(t)
	var got bytes.Buffer
	if err := json.Indent(&got, r.AppendJSON(nil), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s", got.Bytes())
	}
}

func TestReportIsWhatEncodingJSONWrites(t *testing.T) {
	r := sample(t)
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	if got := string(r.AppendJSON(nil)); got != strings.TrimSuffix(want.String(), "\n") {
		t.Errorf("%s\n%s", got, want.String())
	}
	empty := NewReport("run-2", 1, AlertNormal, nil, nil, stored)
	if got := string(empty.AppendJSON(nil)); !strings.Contains(got, `"alert_details":[],"matches":[],"total_matches":0`) {
		t.Error(got)
	}
	odd := Match{AlertName: "\x00\b\t\n\v\f\r\x1f\"\\/\u2028\u007fé\xff"}
	var back Match
	if err := json.Unmarshal(odd.AppendJSON(nil), &back); err != nil || back.AlertName != strings.ToValidUTF8(odd.AlertName, "\ufffd") {
		t.Errorf("%q, %v", back.AlertName, err)
	}
}

// TestKeysAreGenLogs: the keys of GenLogs' document in their order, and ours
// behind them.
func TestKeysAreGenLogs(t *testing.T) {
	for _, c := range []struct {
		of   any
		keys string
	}{
		{Report{}, "run_id customer_id alert_type alert_details matches total_matches timestamp"},
		{AlertDetail{}, "id alert_name email description is_active license_plate vin usdot_number mc_number trailer_number cab_number trailer_logo cc_emails"},
		{Match{}, "alert_name result_url front_view_url side_view_url rear_view_url time city state road lat_long license_plate vin usdot mc cab_number trailer_logo trailer_number deep_search alert_id"},
	} {
		var keys []string
		for f := range reflect.TypeOf(c.of).Fields() {
			keys = append(keys, f.Tag.Get("json"))
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%T: %s", c.of, got)
		}
	}
}

func TestLinks(t *testing.T) {
	for _, c := range []struct{ own, template, id, want string }{
		{"https://own", "https://t/{id}", "7", "https://own"},
		{"", "https://t/{id}?of={id}", "a b/ü", "https://t/a%20b%2F%C3%BC?of=a%20b%2F%C3%BC"},
		{"", "https://t/{id}", "", ""},
		{"", "https://t/", "", "https://t/"},
		{"", "", "7", ""},
	} {
		if got := link(c.own, c.template, c.id); got != c.want {
			t.Errorf("link(%q, %q, %q) = %q, want %q", c.own, c.template, c.id, got, c.want)
		}
	}
}
