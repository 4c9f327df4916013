package catalogue

import (
	"encoding/json"
	"maps"

	"github.com/postrider/postrider/transport"
)

// bothHardware: Genea says of either that all ACCESS and AUDIT events come from it.
var bothHardware = []string{transport.HardwareMercury, transport.HardwareVertX}

func (a accessEvent) entry() Entry {
	actions := []string{a.action}
	if a.typ == "access.granted" {
		actions = append(actions, grantedUnlocked)
	}
	e := a.sample()
	return Entry{Type: a.typ, Description: a.description, Publisher: ByProducers, Hardware: bothHardware,
		Actions: actions, Ours: a.ours, Sample: mustJSON(e), Schema: envelopeSchema(a.typ, a.description, e, actions...)}
}

// schema is a JSON Schema while it is put together.
type schema map[string]any

const dialect = "https://json-schema.org/draft/2020-12/schema"

var (
	text     = schema{"type": "string"}
	someText = schema{"type": []string{"string", "null"}}
	integer  = schema{"type": "integer"}
	amount   = schema{"type": "number"}
	moment   = schema{"type": "string", "format": "date-time"}
	noMoment = schema{"type": []string{"string", "null"}, "format": "date-time"}
)

// object is a schema of an object with these properties; others may be there too.
func object(properties schema, required ...string) schema {
	s := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func oneOf(values ...string) schema { return schema{"type": "string", "enum": values} }

func document(title, description string, s schema) json.RawMessage {
	s = maps.Clone(s)
	s["$schema"], s["title"], s["description"] = dialect, title, description
	return mustJSON(s)
}

// envelopeSchema describes a document of the type that e is a sample of.
func envelopeSchema(title, description string, e envelope, actions ...string) json.RawMessage {
	s := anyEnvelope()
	narrow := narrowed(e.EventType, actions)
	maps.Copy(s["properties"].(schema), narrow["properties"].(schema))
	s["required"] = append(s["required"].([]string), narrow["required"].([]string)...)
	return document(title, description, s)
}

// anyEnvelope describes what all have in common. Any field may be null or
// absent but for those that tell what happened and when.
func anyEnvelope() schema {
	return object(schema{
		"uuid": text, "event_time": moment, "event_type": oneOf(typeAccess, typeAudit), "event_action": text,
		"event_message": text, "event_note": someText, "event_hw_info": schema{},
		"additional_info": orNull(object(schema{})),
		"actor":           orNull(actorSchema), "location": locationSchema, "door": orNull(doorSchema),
		"controller": orNull(controllerSchema), "card": orNull(cardSchema), "audit_resource": resourceSchema,
		"created_at": moment, "hardware": oneOf(bothHardware...),
	}, "uuid", "event_time", "event_type", "event_action")
}

// narrowed is what holds for one type beyond that.
func narrowed(eventType string, actions []string) schema {
	required := []string{}
	if eventType == typeAudit {
		required = append(required, "audit_resource")
	}
	return schema{"properties": schema{"event_type": oneOf(eventType), "event_action": oneOf(actions...)}, "required": required}
}

// orNull is s, or null.
func orNull(s schema) schema {
	nullable := maps.Clone(s)
	nullable["type"] = []any{s["type"], "null"}
	return nullable
}

var (
	actorSchema = object(schema{"type": oneOf("USER", "PERSON", "SYSTEM", "API_KEY"), "user_location_uuid": someText,
		"user_location_role": someText, "user_uuid": someText, "user_name": someText, "user_email": someText, "user_avatar_url": someText}, "type")
	locationSchema = orNull(object(schema{"uuid": text, "name": text, "address_line1": someText, "address_line2": someText,
		"city": someText, "state": someText, "zip": someText, "phone": someText, "timezone": someText,
		"latitude": schema{"type": []string{"number", "null"}}, "longitude": schema{"type": []string{"number", "null"}}}))
	doorSchema       = object(schema{"uuid": text, "name": text, "door_status": someText, "model": someText})
	controllerSchema = object(schema{"uuid": text, "name": text, "mac": someText, "model": someText,
		"serial_number": someText, "status": someText, "connection": schema{}})
	cardSchema = object(schema{"uuid": text, "type": someText, "status": someText,
		"card_number": schema{"type": []string{"string", "integer"}, "description": "Beyond 2^53 as a string: JavaScript cannot hold it as a number"},
		"badge_type":  orNull(object(schema{"uuid": text, "name": text})), "start_date": noMoment, "end_date": noMoment})
	resourceSchema = object(schema{"id": schema{"type": []string{"integer", "string", "null"}}, "uuid": text, "name": someText, "type": text}, "type")
)
