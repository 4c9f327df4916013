package payload

import (
	"strings"

	"github.com/postrider/postrider/transport"
)

// A shape is the order of the fields that are known. Fields of the producer
// that it does not know follow after these in the order published; known fields
// that the producer left out are left out: a null would say what nobody said.
// "hardware" is between producers and Postrider and not part of any body.

// geneaV1 is v2's without two fields: ours, Genea's own v1 is not public.
var geneaV1 = envelopeV2().without("hardware", "event_note", "event_hw_info")

// geneaV2 is the order of Genea's sample.
var geneaV2 = envelopeV2().without("hardware")

func envelopeV2() *shape {
	return newShape(map[string]*shape{
		"actor":          actorShape,
		"location":       locationShape,
		"controller":     newShape(nil, "uuid", "name", "mac", "model", "status"),
		"card":           newShape(nil, "uuid", "type", "status", "card_number", "start_date", "end_date"),
		"audit_resource": resourceShape,
	},
		"uuid", "event_time", "event_type", "event_action", "event_message", "event_note", "event_hw_info",
		"actor", "location", "controller", "card", "audit_resource", "created_at")
}

// geneaV3 has the fields of Genea's newer payloads; their order is ours.
var geneaV3 = newShape(map[string]*shape{
	"actor":    actorShape,
	"location": {element: locationShape},
	"door":     newShape(nil, "uuid", "name", "door_status", "model"),
	"controller": newShape(nil, "uuid", "name", "mac", "model", "serial_number", "status",
		"connection"),
	"card": newShape(map[string]*shape{"badge_type": newShape(nil, "uuid", "name")},
		"uuid", "type", "status", "card_number", "badge_type", "start_date", "end_date"),
	"audit_resource": resourceShape,
	"metadata":       newShape(nil, "version").withFixed("version", `3`),
},
	"uuid", "event_time", "event_type", "event_action", "event_message", "event_note", "event_hw_info",
	"additional_info", "actor", "location", "door", "controller", "card", "audit_resource", "metadata", "created_at",
).without("hardware").withFixed("metadata", `{"version":3}`)

var (
	actorShape = newShape(nil, "type", "user_location_uuid", "user_location_role", "user_uuid",
		"user_name", "user_email", "user_avatar_url")
	locationShape = newShape(nil, "uuid", "name", "address_line1", "address_line2", "city", "state",
		"zip", "phone", "timezone", "latitude", "longitude")
	resourceShape = newShape(nil, "id", "uuid", "name", "type")
)

func checkVersion(version string) error {
	switch version {
	case "v1", "v2", "v3":
		return nil
	}
	return &transport.FieldError{Field: "version", Value: version,
		Message: "not a version of genea bodies: choose v1 (VertX hardware), v2 (Mercury) or v3 (both)"}
}

// appendGenea renders a version. An event of hardware that it does not cover is
// a Skip.
func appendGenea(dst []byte, ev *transport.Event, version string) ([]byte, error) {
	hardware := Hardware(ev)
	if !transport.VersionCovers(version, hardware) {
		return dst, Skip{Reason: transport.ReasonHardware}
	}
	c := canons.Get().(*canon)
	defer c.giveBack()
	start := len(dst)
	dst, err := c.document(dst, ev.Data, geneaShape(version, hardware, ev.Type))
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// geneaShape: VertX keeps its v1 shape in v3, but for audits about users.
func geneaShape(version, hardware, typ string) *shape {
	switch {
	case version == "v2":
		return geneaV2
	case version == "v1" || hardware == transport.HardwareVertX && !userLike(typ):
		return geneaV1
	}
	return geneaV3
}

// userLike tells whether typ is audit.<resource>.<action> of a user, a location
// or a user's location, spelled as anybody might.
func userLike(typ string) bool {
	resource, isAudit := strings.CutPrefix(typ, "audit.")
	if !isAudit {
		return false
	}
	resource, _, _ = strings.Cut(resource, ".")
	for _, one := range [...]string{"user", "location", "user_location", "user-location", "userlocation"} {
		if strings.EqualFold(resource, one) {
			return true
		}
	}
	return false
}
