package migrate

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

func TestExports(t *testing.T) {
	for _, c := range []struct {
		source, customer string
		want             []string // as JSON, of each endpoint's fields
		names, skipped   []string
		lost             []string // each is in one of the endpoints' losses
	}{
		{"svix", "acme", []string{
			`{"delivery":{"rate":50},"events":["invoice.paid","invoice.voided"],"format":"raw","headers":{"X-Key":"v"},"name":"Billing","profile":"standard","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","url":"https://example.com/hook"}`,
			`{"enabled":false,"events":[">"],"format":"raw","name":"other.example.com","profile":"standard","url":"https://other.example.com/"}`,
		}, []string{"Billing", "other.example.com"}, nil, []string{"channels:", "metadata:", "secret: it is not in the export"}},
		{"convoy", "", []string{
			`{"delivery":{"rate":10,"timeout":"30s"},"events":["order.created"],"format":"raw","headers":{"X-Api-Key":"k"},"name":"Orders","profile":"custom","secret":"0123456789abcdef01234567","signature":{"algorithm":"sha256","encoding":"hex","header":"X-Convoy-Signature","scheme":"hmac"},"url":"https://example.com/orders"}`,
			`{"enabled":false,"events":[">"],"format":"raw","name":"Other","profile":"custom","signature":{"algorithm":"sha256","encoding":"hex","header":"X-Convoy-Signature","scheme":"hmac"},"url":"http://example.com/other"}`,
		}, []string{"Orders", "Other"}, []string{"gone: it was deleted"}, []string{"slack_webhook_url:", "a filter over bodies", "advanced one", "is not https", "no subscription"}},
		{"outpost", "", []string{
			`{"events":["user.created"],"format":"raw","headers":{"X-A":"b","x-outpost-event-id":"${event.id}","x-outpost-topic":"${event.type}"},"name":"example.com (des_1)","profile":"custom","secret":"0123456789abcdef","signature":{"algorithm":"sha256","encoding":"hex","header":"x-outpost-signature","prefix":"v0=","scheme":"hmac"},"url":"https://example.com/a"}`,
			`{"enabled":false,"events":[">"],"format":"raw","headers":{"x-outpost-event-id":"${event.id}","x-outpost-topic":"${event.type}"},"name":"example.com (des_2)","profile":"custom","signature":{"algorithm":"sha256","encoding":"hex","header":"x-outpost-signature","prefix":"v0=","scheme":"hmac"},"url":"https://example.com/b"}`,
		}, []string{"example.com (des_1)", "example.com (des_2)"}, []string{`des_3: it is of type "aws_sqs", and only webhooks are sent here`}, []string{"filter: write it as CEL", "previous secret", "under 16 bytes"}},
	} {
		content, err := os.ReadFile("testdata/" + c.source + ".json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(c.source, c.source+".json", content, c.customer)
		if err != nil {
			t.Fatalf("%s: %v", c.source, err)
		}
		if !slices.Equal(got.Skipped, c.skipped) {
			t.Errorf("%s: skipped %q, want %q", c.source, got.Skipped, c.skipped)
		}
		if len(got.Endpoints) != len(c.want) {
			t.Fatalf("%s: %d endpoints, want %d", c.source, len(got.Endpoints), len(c.want))
		}
		losses := ""
		for i, e := range got.Endpoints {
			var b strings.Builder
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(e.Document.Fields); err != nil {
				t.Fatal(err)
			}
			if text := strings.TrimSpace(b.String()); text != c.want[i] {
				t.Errorf("%s %d:\n got %s\nwant %s", c.source, i, text, c.want[i])
			}
			if e.Document.Customer != "acme" || e.Document.Name != c.names[i] || e.Document.Kind != manifest.Endpoint {
				t.Errorf("%s %d: %+v", c.source, i, e.Document)
			}
			losses += strings.Join(append(e.Lost, e.Carried...), "\n") + "\n"
		}
		for _, want := range c.lost {
			if !strings.Contains(losses, want) {
				t.Errorf("%s: %q is not told:\n%s", c.source, want, losses)
			}
		}
		for _, secret := range []string{"whsec_MfKQ", "0123456789abcdef"} {
			if strings.Contains(losses, secret) {
				t.Errorf("%s: a secret is told:\n%s", c.source, losses)
			}
		}
	}
}

// An endpoint whose types can be none here must not get everything instead.
func TestTypesThatAreNone(t *testing.T) {
	got, err := Read("svix", "f", []byte(`{"id":"ep","url":"https://example.com","filterTypes":["bad type"]}`), "acme")
	if err != nil {
		t.Fatal(err)
	}
	f := got.Endpoints[0].Document.Fields
	if f["enabled"] != false || f["events"] != nil {
		t.Errorf("%+v", f)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ source, content, customer, want string }{
		"no sender":        {"hooks", `[]`, "", "no sender"},
		"not JSON":         {"svix", `<html>secret`, "acme", "not JSON"},
		"nothing":          {"svix", `{"data":[]}`, "acme", "no endpoint"},
		"nobody's":         {"svix", `{"url":"https://example.com"}`, "", "give --customer"},
		"no address":       {"svix", `{"url":"hunter2"}`, "acme", "no address with a host"},
		"too many of them": {"svix", "[" + strings.Repeat(`{},`, maxEndpoints) + `{}]`, "acme", "more than"},
	} {
		_, err := Read(c.source, "file.json", []byte(c.content), c.customer)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, source := range Sources {
		b, err := os.ReadFile("testdata/" + source + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source, b)
	}
	f.Fuzz(func(t *testing.T, source string, content []byte) {
		got, err := Read(source, "f", content, "acme")
		if err != nil {
			return
		}
		for _, e := range got.Endpoints {
			if e.Document.Name == "" || e.Document.Customer != "acme" || e.Document.Fields["url"] == "" {
				t.Errorf("%+v", e.Document)
			}
			if e.Document.Fields["events"] == nil && e.Document.Fields["enabled"] != false {
				t.Errorf("it would get everything: %+v", e.Document)
			}
		}
	})
}
