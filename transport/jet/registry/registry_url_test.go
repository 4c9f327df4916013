package registry

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

const secretURL = "https://hooks.example.com/services/T0/B0/url-secret?token=query-secret"

// A URL holds secrets often enough: it is sealed at rest. One from before it
// was sealed is read, and sealed by whatever writes its endpoint next.
func TestURLsAreSealedAtRest(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	r := startRegistry(t, s)
	stored := func(id string) string {
		e, err := s.endpoints.Get(jettest.Context(t), endpointKey("acme", id))
		if err != nil {
			t.Fatal(err)
		}
		return string(e.Value())
	}
	sealed := func(what, id string) {
		t.Helper()
		if text := stored(id); strings.Contains(text, "url-secret") || strings.Contains(text, "query-secret") {
			t.Errorf("%s: the URL is readable in %s", what, text)
		}
		if ep, ok := r.Endpoint(id); !ok || ep.URL != secretURL {
			t.Errorf("%s: %+v", what, ep)
		}
	}
	ep := create(t, r, jettest.Endpoint("acme", secretURL))
	sealed("created", ep.ID)
	if _, err := r.CreateEndpoint(jettest.Context(t), jettest.Endpoint("acme", secretURL)); err == nil {
		t.Error("a sealed URL is registered twice")
	}
	if rev, err := r.RemoveEndpoint(jettest.Context(t), ep.ID); err != nil || r.WaitApplied(jettest.Context(t), rev) != nil {
		t.Fatal(err)
	}
	again := create(t, r, jettest.Endpoint("acme", secretURL)) // its claim was found and released

	for what, write := range map[string]func(*transport.Endpoint) error{
		"its next state": func(ep *transport.Endpoint) error {
			next := *ep
			next.Name = "renamed"
			_, err := r.UpdateEndpoint(jettest.Context(t), &next)
			return err
		},
		"a state": func(ep *transport.Endpoint) error {
			_, err := r.SetState(jettest.Context(t), ep.ID, transport.StatePaused, "by hand")
			return err
		},
		"secrets rotate": func(*transport.Endpoint) error {
			n, err := s.Reseal(jettest.Context(t), func(int) {})
			if err == nil && n != 1 {
				t.Errorf("%d resealed", n)
			}
			return err
		},
	} {
		old := oldRecord(t, s, stored(again.ID))
		ep, ok := r.Endpoint(old)
		if !ok || ep.URL != secretURL || ep.Given != again.GuessGiven() || ep.Given == 0 {
			t.Fatalf("a record from before: %+v", ep)
		}
		if err := write(ep); err != nil {
			t.Fatal(err)
		}
		if err := r.WaitApplied(jettest.Context(t), lastRevision(t, s)); err != nil {
			t.Fatal(err)
		}
		sealed(what, old)
	}
}

// oldRecord stores a record as it was before URLs were sealed and choices
// noted, and gives its id.
func oldRecord(t *testing.T, s *Store, like string) string {
	t.Helper()
	var rec map[string]any
	if err := json.Unmarshal([]byte(like), &rec); err != nil {
		t.Fatal(err)
	}
	delete(rec, "given")
	rec["url"], rec["sealed"] = secretURL, map[string]any{}
	raw, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.NewString()
	rev, err := s.endpoints.Put(jettest.Context(t), endpointKey("acme", id), raw)
	if err != nil || s.Registry().WaitApplied(jettest.Context(t), rev) != nil {
		t.Fatal(err)
	}
	return id
}

func lastRevision(t *testing.T, s *Store) uint64 {
	t.Helper()
	status, err := s.js.Stream(jettest.Context(t), "KV_"+jet.BucketEndpoints)
	if err != nil {
		t.Fatal(err)
	}
	return status.CachedInfo().State.LastSeq
}
