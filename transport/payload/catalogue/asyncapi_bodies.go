package catalogue

import "encoding/json"

// detectionMessage describes what readers publish.
func detectionMessage() schema {
	properties := schema{"time": moment,
		"trailer_logo": schema{"oneOf": []schema{text, listOf(text)}}}
	for _, name := range []string{"id", "city", "state", "road", "lat_long", "license_plate", "license_plate_state", "vin", "usdot", "mc",
		"cab_number", "trailer_number", "chassis_number", "container_number", "equipment_type", "text", "result_url",
		"front_view_url", "side_view_url", "rear_view_url"} {
		properties[name] = text
	}
	return schema{"title": "A detection", "summary": "One vehicle seen at one place; without time the log's is taken.",
		"payload": object(properties),
		"examples": []schema{{"payload": json.RawMessage(`{"id":"d-1","time":"2024-05-21T12:00:00+00:00","city":"Houston","state":"TX","road":"I-45",` +
			`"lat_long":"29.7604, -95.3698","license_plate":"ABC1234","trailer_number":"T-123","trailer_logo":["Some Logo"]}`)}}}
}

// deliveries are the bodies of the formats, by profile and version.
func (d *asyncDocument) deliveries() schema {
	messages := schema{}
	add := func(name, title, contentType string, headers, payload schema) {
		messages[name] = d.message(name, schema{"title": title, "contentType": contentType, "headers": headers, "payload": payload})
	}
	const plain = "application/json"
	sequr := headers(schema{"X-Sequr-Signature": schema{"type": "string", "pattern": "^sha1=[0-9a-f]{40}$"}})
	add("genea.v1", "Genea v1, for VertX hardware (the shape is Postrider's own)", plain, sequr, geneaBody("v1"))
	add("genea.v2", "Genea v2, for Mercury hardware", plain, sequr, geneaBody("v2"))
	add("genea.v3", "Genea v3, for both: Mercury, and VertX audits of users; else as v1 (the shape is Postrider's own)", plain, sequr, geneaBody("v3"))
	genlogs := headers(schema{"X-GenLogs-Signature": schema{"type": "string", "pattern": "^sha512=[0-9a-f]{128}$"},
		"X-GenLogs-Event": text, "X-GenLogs-Timestamp": schema{"type": "string", "description": "Unix seconds"}})
	add("genlogs", "GenLogs, of events other than alert.matches_found", plain, genlogs, object(schema{"event": text, "webhook_id": text,
		"customer_id": integer, "data": schema{}, "timestamp": moment}, "event", "webhook_id", "customer_id", "data", "timestamp"))
	add("standard", "Standard Webhooks", plain, headers(schema{"webhook-timestamp": schema{"type": "string", "description": "Unix seconds of this attempt"},
		"webhook-signature": schema{"type": "string", "description": "v1,<base64> or v1a,<base64>; one or more, separated by blanks"}}),
		object(schema{"type": text, "timestamp": moment, "data": schema{}}, "type", "timestamp", "data"))
	add("cloudevents", "CloudEvents 1.0 in structured mode", "application/cloudevents+json", headers(schema{}),
		object(schema{"specversion": oneOf("1.0"), "id": text, "source": text, "type": text, "time": moment, "datacontenttype": oneOf(plain), "data": schema{}},
			"specversion", "id", "source", "type"))
	add("raw", "The document as it was published", plain, headers(schema{}), schema{})
	return messages
}

// headers are those of every delivery, and more.
func headers(more schema) schema {
	more["webhook-id"] = schema{"type": "string", "description": "The event's id, the same at every attempt"}
	more["User-Agent"] = text
	return object(more, "webhook-id")
}

// geneaBody is the schema of a version's bodies. That of v3 does not describe
// the VertX events that keep their v1 shape.
func geneaBody(version string) schema {
	body := anyEnvelope()
	properties := body["properties"].(schema)
	properties["hardware"] = schema{"not": schema{}}
	switch version {
	case "v1":
		properties["event_note"], properties["event_hw_info"] = schema{"not": schema{}}, schema{"not": schema{}}
	case "v3":
		properties["location"] = listOf(locationSchema)
		properties["metadata"] = object(schema{"version": schema{"const": 3}}, "version")
		body["required"] = append(body["required"].([]string), "metadata")
	}
	return body
}
