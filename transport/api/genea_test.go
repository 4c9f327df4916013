package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestGeneaVersions(t *testing.T) {
	b := start(t, nil)
	for given, want := range map[string]string{"": "v2", "v1": "v1", "v2": "v2", "v3": "v3"} {
		ep := b.made("acme", `{"url":"https://example.com/a","profile":"genea","version":"`+given+`"}`)
		if ep.Version != want || ep.Delivery.Success != "200" || len(ep.Delivery.Schedule) != 3 || !ep.Delivery.Retries || ep.Signature.Scheme != "sequr" {
			t.Errorf("%q: %+v", given, ep)
		}
	}
	admin := token(t, "acme", RoleAdmin)
	b.want(b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/a","profile":"genea","version":"v4"}`), 400,
		`{"message":"version: not a version; choose v1 (VertX hardware), v2 (Mercury) or v3 (both)","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"version","version":"v4"}}`)
	b.want(b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/a","version":"v3"}`), 400,
		`{"message":"version: belongs to the format genea alone; leave it out","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"version","version":"v3"}}`)
}

// TestWhoMixesHardwareSavesV3Alone: at create and at edit, whatever is edited.
func TestWhoMixesHardwareSavesV3Alone(t *testing.T) {
	b := start(t, nil)
	early := b.made("acme", `{"url":"https://example.com/a","profile":"genea"}`)
	b.customers = map[string]*transport.Customer{
		"acme":  {ID: "acme", Locations: []transport.Location{{Name: "North", Hardware: "mercury"}, {Name: "South", Hardware: "vertx"}}},
		"other": {ID: "other", Locations: []transport.Location{{Name: "North", Hardware: "mercury"}}},
	}
	admin := token(t, "acme", RoleAdmin)
	refused := func(version string) string {
		return `{"message":"version: does not cover all locations of customer acme, which have VertX and Mercury hardware; choose v3","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"version","version":"` + version + `"}}`
	}
	for _, version := range []string{"v1", "v2"} {
		body := `{"url":"https://example.com/b","profile":"genea","version":"` + version + `"}`
		b.want(b.call(admin, "POST", "/v1/endpoints", body), 400, refused(version))
		b.made("other", body)
	}
	late := b.made("acme", `{"url":"https://example.com/c","profile":"genea","version":"v3"}`)
	b.want(b.call(admin, "PATCH", "/v1/endpoints/"+late.ID, `{"version":"v1"}`), 400, refused("v1"))
	b.want(b.call(admin, "PATCH", "/v1/endpoints/"+early.ID, `{"name":"new"}`), 400, refused("v2"))
	b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+early.ID, `{"version":"v3"}`), 200)
	b.made("acme", `{"url":"https://example.com/d"}`) // no genea, no version
}

// TestTheVersionThatNobodyTypedFollowsTheHardware at create, at a change of
// profile, in a dry run of it and in a test beforehand; one that was typed stays.
func TestTheVersionThatNobodyTypedFollowsTheHardware(t *testing.T) {
	b := start(t, nil)
	at := func(id string, hardware ...string) *transport.Customer {
		c := &transport.Customer{ID: id}
		for _, h := range hardware {
			c.Locations = append(c.Locations, transport.Location{Hardware: h})
		}
		return c
	}
	b.customers = map[string]*transport.Customer{"mixed": at("mixed", "mercury", "vertx"), "old": at("old", "vertx"), "new": at("new", "mercury"), "bare": at("bare")}
	for customer, want := range map[string]string{"mixed": "v3", "old": "v1", "new": "v2", "bare": "v2", "unknown": "v2"} {
		admin := token(t, customer, RoleAdmin)
		if ep := b.made(customer, `{"url":"https://example.com/a","profile":"genea"}`); ep.Version != want {
			t.Errorf("%s: created with %s, want %s", customer, ep.Version, want)
		}
		ep := b.made(customer, `{"url":"https://example.com/b"}`)
		path := "/v1/endpoints/" + ep.ID
		for _, query := range []string{"?dry_run=true", ""} {
			if got := read[ShownEndpoint](b, b.call(admin, "PATCH", path+query, `{"profile":"genea"}`)); got.Version != want {
				t.Errorf("%s: the profile%s brings %q, want %s", customer, query, got.Version, want)
			}
		}
		b.wantStatus(b.call(admin, "PATCH", path, `{"version":"v3"}`), 200)
		for patch, version := range map[string]string{`{"name":"n"}`: "v3", `{"version":null}`: want} {
			if got := read[ShownEndpoint](b, b.call(admin, "PATCH", path+"?dry_run=true", patch)); got.Version != version {
				t.Errorf("%s: %s gives %q, want %s", customer, patch, got.Version, version)
			}
		}
		tried := read[TestResult](b, b.call(admin, "POST", "/v1/endpoints/test", `{"endpoint":{"url":"https://example.com/c","profile":"genea"},"dry_run":true}`))
		if !strings.Contains(string(tried.Request.Data), `"hardware":"`+sampleHardware(want)+`"`) {
			t.Errorf("%s: tried with %s", customer, tried.Request.Data)
		}
	}
}

// TestASecretIsRevealedToAdminsAlone, as Genea's "Reveal Key" button does.
func TestASecretIsRevealedToAdminsAlone(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/a","profile":"genea","secret":"a secret of enough bytes"}`)
	path := "/v1/endpoints/" + ep.ID
	every := token(t, "acme", RoleCreateEndpoint, RoleEditEndpoint, RoleDeleteEndpoint, RoleListEndpoints, RoleTestEndpoint, RolePublishEvents, RoleReplay)
	b.want(b.call(every, "GET", path+"/secret", ""), 403, `{"detail":"User lacks required roles: ['admin']"}`)
	admin := token(t, "acme", RoleAdmin)
	b.want(b.call(admin, "GET", path+"/secret", ""), 200, `{"id":"`+ep.ID+`","secret":"a secret of enough bytes"}`)
	for _, shown := range []string{b.call(admin, "GET", path, "").body, b.call(admin, "GET", "/v1/endpoints", "").body} {
		if strings.Contains(shown, "secret") {
			t.Errorf("the secret is shown: %s", shown)
		}
	}
}

// TestATestFitsTheVersion: its sample comes from hardware that is covered.
func TestATestFitsTheVersion(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	for version, hardware := range map[string]string{"v1": "vertx", "v2": "mercury", "v3": "mercury"} {
		ep := b.made("acme", `{"url":"https://example.com/a","profile":"genea","version":"`+version+`"}`)
		for typ, action := range map[string]string{"": "SEQUR_ACCESS_GRANTED", "door.held_open": "SEQUR_DOOR_POSITION_SENSOR_ALARM", "of.nobody": "SEQUR_ACCESS_GRANTED"} {
			b.tested = nil
			b.wantStatus(b.call(admin, "POST", "/v1/endpoints/"+ep.ID+"/test", `{"type":"`+typ+`"}`), 200)
			var sent struct {
				UUID, Hardware string
				EventAction    string `json:"event_action"`
				EventTime      string `json:"event_time"`
				Actor          struct {
					Name string `json:"user_name"`
				}
			}
			if err := json.Unmarshal(b.tested[0].Data, &sent); err != nil {
				t.Fatal(err)
			}
			if sent.Hardware != hardware || sent.EventAction != action || sent.UUID != b.tested[0].ID || sent.EventTime != "2026-01-02T03:04:05.000Z" {
				t.Errorf("%s %s: %+v", version, typ, sent)
			}
		}
	}
}
