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
