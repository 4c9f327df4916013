package payload

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/postrider/postrider/transport"
)

// TestNodeKeepsGeneaBodies: JSON.stringify(JSON.parse(body)) gives every body of
// every version back, byte for byte.
func TestNodeKeepsGeneaBodies(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine: install it to see that Genea bodies survive JavaScript")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var bodies [][]byte
	shapes := map[string]int{}
	renderers := map[string]*Renderer{}
	for _, version := range versions {
		renderers[version] = mustNew(t, version)
	}
	for i := range 1500 {
		for _, version := range versions {
			ev := RandomEnvelope(rng, i)
			body, err := renderers[version].Body(ev)
			if Hardware(ev) != "" && !transport.VersionCovers(version, Hardware(ev)) {
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", ev.Data, err)
			}
			bodies = append(bodies, body)
			shapes[version]++
		}
	}
	for i, again := range throughNode(t, node, bodies) {
		if !bytes.Equal(again, bodies[i]) {
			t.Fatalf("JavaScript writes the body otherwise\nours %s\nnode %s", bodies[i], again)
		}
	}
	t.Logf("bodies by version: %v, %d bytes in all", shapes, len(bytes.Join(bodies, nil)))
	if len(bodies) < 3000 || len(shapes) != len(versions) {
		t.Error("too few to tell")
	}
}

// RandomEnvelope is an event whose document is an envelope that holds what
// JSON writers disagree about: names with &<>"', emoji and lone surrogates,
// U+2028, numbers in every spelling, keys like array indexes, fields twice.
func RandomEnvelope(rng *rand.Rand, i int) *transport.Event {
	doc := fmt.Appendf(nil, `{"uuid":"%024x"`, i)
	for _, j := range rng.Perm(len(envelopeFields)) {
		if rng.IntN(8) > 0 {
			doc = append(append(append(doc, ",\""...), envelopeFields[j]...), "\": "...)
			doc = randomField(rng, doc, envelopeFields[j])
		}
	}
	for range rng.IntN(4) {
		doc = append(randomKey(rng, append(doc, ',')), ':')
		doc = randomValue(rng, doc, 2)
	}
	types := [...]string{"access.granted", "door.forced_open", "audit.user.updated", "audit.card.created", "audit.user_location.deleted"}
	ev := event("")
	ev.ID, ev.Type, ev.Data = fmt.Sprint("evt-", i), types[rng.IntN(len(types))], append(doc, '}')
	return ev
}

var envelopeFields = []string{"event_time", "event_type", "event_note", "event_hw_info", "additional_info", "actor", "location", "door",
	"controller", "card", "audit_resource", "metadata", "created_at", "hardware", "event_note", "actor"}

func randomField(rng *rand.Rand, dst []byte, field string) []byte {
	part := func(name string) []byte { return append(append(append(dst, '"'), name...), "\":"...) }
	switch field {
	case "event_time", "created_at":
		return append(dst, `"2026-01-31T10:45:38.000Z"`...)
	case "event_type":
		return append(dst, `"ACCESS"`...)
	case "hardware":
		return append(dst, [...]string{`"mercury"`, `"vertx"`, `"Mercury"`, `"vert\u0078"`, `null`}[rng.IntN(5)]...)
	case "actor", "door", "controller", "audit_resource":
		dst = append(dst, '{')
		dst = append(randomString(rng, part("user_name")), ',')
		dst = append(randomString(rng, part("name")), ',')
		dst = append(randomNumber(rng, part("id")), ',')
		dst = randomString(rng, part("uuid"))
		return append(dst, '}')
	case "card":
		dst = append(dst, `{"end_date":null,"uuid":"u",`...)
		dst = append(randomNumber(rng, part("card_number")), ',')
		dst = randomValue(rng, part("badge_type"), 2)
		return append(dst, '}')
	case "location":
		if rng.IntN(3) > 0 {
			dst = append(dst, `{"longitude":-84.29410,"latitude":1.0,"phone":null,`...)
			dst = randomString(rng, part("name"))
			return append(dst, '}')
		}
	}
	return randomValue(rng, dst, 2)
}
