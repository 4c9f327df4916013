package payload

import (
	"bytes"

	"github.com/postrider/postrider/transport"
)

// geneaV2 is the order of Genea's sample. Fields of the producer that the
// sample does not know follow after these in the order published; known fields
// that the producer left out are left out: a null would say what nobody said.
// "hardware" is between producers and Postrider and not part of the body.
var geneaV2 = newShape("hardware", map[string]*shape{
	"actor": newShape("", nil, "type", "user_location_uuid", "user_location_role", "user_uuid",
		"user_name", "user_email", "user_avatar_url"),
	"location": newShape("", nil, "uuid", "name", "address_line1", "address_line2", "city", "state",
		"zip", "phone", "timezone", "latitude", "longitude"),
	"controller":     newShape("", nil, "uuid", "name", "mac", "model", "status"),
	"card":           newShape("", nil, "uuid", "type", "status", "card_number", "start_date", "end_date"),
	"audit_resource": newShape("", nil, "id", "uuid", "name", "type"),
},
	"uuid", "event_time", "event_type", "event_action", "event_message", "event_note", "event_hw_info",
	"actor", "location", "controller", "card", "audit_resource", "created_at")

// appendGenea renders version v2, which covers Mercury hardware: an event that
// names other hardware is a Skip, one that names none is covered.
func appendGenea(dst, doc []byte) ([]byte, error) {
	c := canons.Get().(*canon)
	defer c.giveBack()
	start := len(dst)
	dst, err := c.document(dst, doc, geneaV2)
	if err != nil {
		return dst[:start], err
	}
	if h := c.dropped; len(h) > 0 && !bytes.EqualFold(h, []byte(`"mercury"`)) && string(h) != "null" {
		return dst[:start], Skip{Reason: transport.ReasonHardware}
	}
	return dst, nil
}
