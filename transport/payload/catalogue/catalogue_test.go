package catalogue

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

func parsed(t *testing.T, raw []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

func compiled(t *testing.T, raw []byte) *jsonschema.Schema { return schemasOf(t, raw)("") }

// schemasOf gives the schemas of a document by their places (JSON pointers).
func schemasOf(t *testing.T, raw []byte) func(at string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:document.json", parsed(t, raw)); err != nil {
		t.Fatal(err)
	}
	return func(at string) *jsonschema.Schema {
		s, err := c.Compile("mem:document.json#" + at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestSamplesFitTheirSchemas(t *testing.T) {
	uuids := map[string]bool{}
	for _, e := range All() {
		s := compiled(t, e.Schema)
		if err := s.Validate(parsed(t, e.Sample)); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
		var sample struct {
			UUID, Hardware string
			EventAction    string `json:"event_action"`
		}
		if err := json.Unmarshal(e.Sample, &sample); err != nil {
			t.Fatal(err)
		}
		if len(e.Hardware) > 0 && (uuids[sample.UUID] || !slices.Contains(e.Hardware, sample.Hardware) || !slices.Contains(e.Actions, sample.EventAction)) {
			t.Errorf("%s: the sample's uuid, hardware or event_action is wrong: %+v", e.Type, sample)
		}
		uuids[sample.UUID] = true
	}
}

func TestSchemasRefuseWhatIsAnotherThing(t *testing.T) {
	e, _ := Find("audit.card.created")
	s := compiled(t, e.Schema)
	for _, change := range []struct{ from, to string }{
		{`"event_action":"CREATED"`, `"event_action":"DELETED"`},
		{`"event_type":"AUDIT"`, `"event_type":"ACCESS"`},
		{`"hardware":"mercury"`, `"hardware":"abacus"`},
		{`"event_time":"2026-01-31T10:45:38.000Z"`, `"event_time":"yesterday"`},
		{`"audit_resource"`, `"audit_thing"`},
	} {
		document := strings.Replace(string(e.Sample), change.from, change.to, 1)
		if document == string(e.Sample) {
			t.Fatalf("the sample has no %s", change.from)
		}
		if s.Validate(parsed(t, []byte(document))) == nil {
			t.Errorf("%s fits", change.to)
		}
	}
	more := strings.Replace(string(e.Sample), `{`, `{"more":1,`, 1)
	if err := s.Validate(parsed(t, []byte(more))); err != nil {
		t.Errorf("a field beyond the known ones: %v", err)
	}
}

func TestEntriesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range All() {
		if err := transport.CheckType(e.Type); err != nil {
			t.Error(err)
		}
		category, _, _ := strings.Cut(e.Type, ".")
		if seen[e.Type] || e.Category != category || !strings.HasSuffix(e.Description, ".") || e.Publisher == "" || e.Hardware == nil {
			t.Errorf("%+v", e)
		}
		seen[e.Type] = true
	}
	// What the contract and Genea's document name.
	for _, typ := range []string{"access.granted", "access.anti_passback_violation", "access.denied.card_not_found", "access.denied.invalid_facility_code",
		"access.denied.duress_code_detected", "access.denied.use_limit", "door.forced_open", "door.secured", "door.held_open", "door.forced_and_held_open",
		"audit.user_location.uninstalled", "audit.access_group.installed", "alert.matches_found", "alert.test", "ops.endpoint.failing",
		"ops.endpoint.disabled", "ops.endpoint.recovered", "ops.deadletter.created", "ops.run.finished", "ops.run.failed"} {
		if !seen[typ] {
			t.Errorf("%s is missing", typ)
		}
	}
	if n := len(Matching("access.denied.*")); n != 28 {
		t.Errorf("%d reasons of denial, Genea has 28", n)
	}
	if e, _ := Find("access.denied.duress_code_detected"); e.Actions[0] != "SEQUR_ACCESS_DENIED_DURESS_code_DETECTED" {
		t.Errorf("%+v", e.Actions)
	}
}

// TestGeneaEndpointsWantTheCatalogue: the default patterns of the profile genea
// are the categories that producers publish.
func TestGeneaEndpointsWantTheCatalogue(t *testing.T) {
	ep := &transport.Endpoint{Profile: transport.ProfileGenea}
	ep.ApplyDefaults()
	for _, e := range All() {
		wanted := slices.ContainsFunc(ep.Events, func(pattern string) bool { return transport.MatchType(pattern, e.Type) })
		if wanted != (e.Publisher == ByProducers) {
			t.Errorf("%s of a %s: wanted %v", e.Type, e.Publisher, wanted)
		}
	}
}

// TestTheSampleOfMatchesIsAReport: a run publishes a matching.Report.
func TestTheSampleOfMatchesIsAReport(t *testing.T) {
	e, _ := Find("alert.matches_found")
	var report matching.Report
	d := json.NewDecoder(bytes.NewReader(e.Sample))
	d.DisallowUnknownFields()
	if err := d.Decode(&report); err != nil {
		t.Fatal(err)
	}
	if again := mustJSON(report); !bytes.Equal(again, e.Sample) {
		t.Errorf("a report is\n%s\nthe sample\n%s", again, e.Sample)
	}
}

func TestSearch(t *testing.T) {
	names := func(list []Entry) (all []string) {
		for _, e := range list {
			all = append(all, e.Type)
		}
		return all
	}
	for _, c := range []struct {
		category, q string
		want        []string
	}{
		{"", "expired", []string{"access.denied.after_expiration_date"}},
		{"door", "HELD_open", []string{"door.held_open", "door.forced_and_held_open"}},
		{"", "sequr_schedule", []string{"schedule.activated", "schedule.deactivated"}},
		{"alert", "", []string{"alert.matches_found", "alert.test"}},
		{"alert", "door", nil},
		{"nothing", "", nil},
	} {
		if got := names(Search(c.category, c.q)); !slices.Equal(got, c.want) {
			t.Errorf("%q %q: %v", c.category, c.q, got)
		}
	}
	if len(Search("", "")) != len(All()) || len(Matching("audit.*.created")) != len(auditResources) {
		t.Error("not all are found")
	}
	if _, found := Find("access.granted.twice"); found {
		t.Error("a type that is not there is found")
	}
	if got := strings.Join(Categories(), " "); got != "access door control_point monitor_point interface_panel schedule remote_operation audit alert ops" {
		t.Error(got)
	}
}
