package catalogue

import (
	"encoding/json"
	"maps"
	"slices"
)

// ownEvent is what Postrider itself publishes.
type ownEvent struct {
	typ, description, sample string
	schema                   schema
}

func ownEvents() []Entry {
	var list []Entry
	for _, o := range own {
		list = append(list, Entry{Type: o.typ, Description: o.description, Publisher: ByPostrider, Hardware: []string{},
			Sample: json.RawMessage(o.sample), Schema: document(o.typ, o.description, o.schema)})
	}
	return list
}

var own = []ownEvent{
	{"alert.matches_found", "Alerts of the customer found matches: all matches of all alerts since the last run, in one event.",
		`{"run_id":"0199c3a0-0000-5000-8000-000000000002","customer_id":123,"alert_type":"hot",` +
			`"alert_details":[{"id":"456e7890-e12b-34d5-a678-426614174111","alert_name":"Stolen Trailer T-123","email":"fleet@example.com",` +
			`"description":"Alert for stolen trailer with specific identifiers","is_active":true,"license_plate":"ABC1234","vin":"1HGCM82633A004352",` +
			`"usdot_number":"987654","mc_number":"111111","trailer_number":"T-123","cab_number":"CAB789","trailer_logo":"Some Logo","cc_emails":[]}],` +
			`"matches":[{"alert_name":"Stolen Trailer T-123","result_url":"https://example.com/search/result/1","front_view_url":"https://example.com/images/1f",` +
			`"side_view_url":"https://example.com/images/1s","rear_view_url":"https://example.com/images/1r","time":"2024-05-21T12:00:00+00:00",` +
			`"city":"Houston","state":"TX","road":"I-45","lat_long":"29.7604, -95.3698","license_plate":"ABC1234","vin":"1HGCM82633A004352",` +
			`"usdot":"987654","mc":"111111","cab_number":"CAB789","trailer_logo":"Some Logo","trailer_number":"T-123","deep_search":"","alert_id":"456e7890-e12b-34d5-a678-426614174111"}],` +
			`"total_matches":1,"timestamp":"2024-05-21T12:01:00.123456+00:00"}`,
		object(schema{"run_id": text, "customer_id": integer, "alert_type": runTypes, "alert_details": listOf(texts(
			schema{"is_active": schema{"type": "boolean"}, "cc_emails": listOf(text)},
			"id", "alert_name", "email", "description", "license_plate", "vin", "usdot_number", "mc_number", "trailer_number", "cab_number", "trailer_logo")),
			"matches": listOf(texts(schema{"time": moment},
				"alert_name", "result_url", "front_view_url", "side_view_url", "rear_view_url", "city", "state", "road", "lat_long", "license_plate",
				"vin", "usdot", "mc", "cab_number", "trailer_logo", "trailer_number", "deep_search", "alert_id")),
			"total_matches": integer, "timestamp": moment},
			"run_id", "customer_id", "alert_type", "alert_details", "matches", "total_matches", "timestamp")},
	{"alert.test", "A test of a webhook: nothing happened.",
		`{"message":"A test event from Postrider","test":true,"time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"message": text, "test": schema{"type": "boolean"}, "time": moment}, "message", "test", "time")},

	{"ops.endpoint.failing", "Deliveries to an endpoint fail again and again. What is new waits; what failed is tried again where the endpoint has retries, and is a dead letter where not.",
		`{"endpoint":"0199c3a0-0000-7000-8000-000000000001","name":"Front desk","kind":"webhook","retries":true,"state":"failing","reason":"status 500","time":"2026-01-31T10:45:38.000Z"}`, endpointReport},
	{"ops.endpoint.disabled", "An endpoint gets nothing any more: it was failing for too long, or its receiver said that it wants no more (410; a mailbox: there is none).",
		`{"endpoint":"0199c3a0-0000-7000-8000-000000000001","name":"Front desk","kind":"webhook","retries":true,"state":"disabled","reason":"failing for 5 days, last: status 500","time":"2026-01-31T10:45:38.000Z"}`, endpointReport},
	{"ops.endpoint.recovered", "An endpoint that was failing accepts deliveries again.",
		`{"endpoint":"0199c3a0-0000-7000-8000-000000000001","name":"Front desk","kind":"webhook","retries":true,"state":"active","reason":"","time":"2026-01-31T10:45:38.000Z"}`, endpointReport},
	{"ops.deadletter.created", "Deliveries to an endpoint were given up: at most one event in a minute, with how many, why, and the last one.",
		`{"endpoint":"0199c3a0-0000-7000-8000-000000000001","name":"Front desk","count":3,"reasons":{"retries_exhausted":3},"event_id":"5fd0aad3d64a99000414d61e","event_type":"access.granted","reason":"retries_exhausted","since":"2026-01-31T10:45:08.000Z","time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"endpoint": text, "name": text, "count": integer, "reasons": schema{"type": "object", "additionalProperties": integer},
			"event_id": text, "event_type": text, "reason": text, "since": moment, "time": moment},
			"endpoint", "name", "count", "reasons", "event_id", "event_type", "reason", "since", "time")},
	{"ops.quota.near", "A customer uses over 80 % of a quota. The same is not told again within an hour.",
		`{"quota":"endpoints","used":8000,"bound":10000,"reason":"over 80 % of quota.endpoints is used","time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"quota": text, "used": amount, "bound": amount, "reason": text, "time": moment}, "quota", "reason", "time")},
	{"ops.quota.reached", "A customer has used up a quota: what goes beyond it is refused. With endpoint, name and until: its filter or template took more time than the customer's share, and is not evaluated until then.",
		`{"quota":"filter_time","endpoint":"0199c3a0-0000-7000-8000-000000000001","name":"Front desk","reason":"its filter or template costs too much time and is put away until 2026-01-31T10:45:43Z: what comes meanwhile is skipped as filter_cost; simplify it","until":"2026-01-31T10:45:43.000Z","time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"quota": text, "used": amount, "bound": amount, "endpoint": text, "name": text, "reason": text, "until": moment, "time": moment},
			"quota", "reason", "time")},
	{"ops.run.finished", "A run of a customer's alerts finished, whether anything matched or not; from and to are the first and last detection that it read, absent where none had come.",
		`{"run_id":"0199c3a0-0000-5000-8000-000000000002","alert_type":"hot","from":3,"to":9,"detections":7,"matches":1,"started_at":"2026-01-31T10:45:37.000Z","time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"run_id": text, "alert_type": runTypes, "from": integer, "to": integer, "detections": integer, "matches": integer, "started_at": moment, "time": moment},
			"run_id", "alert_type", "detections", "matches", "started_at", "time")},
	{"ops.run.failed", "A run of a customer's alerts cannot be made or finished for now; it is tried until it is. run_id is empty where it is not made yet.",
		`{"run_id":"0199c3a0-0000-5000-8000-000000000002","alert_type":"hot","reason":"the log of detections cannot be read","time":"2026-01-31T10:45:38.000Z"}`,
		object(schema{"run_id": text, "alert_type": runTypes, "reason": text, "time": moment}, "run_id", "alert_type", "reason", "time")},
}

var (
	runTypes       = oneOf("normal", "hot", "live", "summary")
	endpointReport = object(schema{"endpoint": text, "name": text, "kind": oneOf("webhook", "email"), "retries": schema{"type": "boolean"},
		"state": oneOf("active", "failing", "disabled"), "reason": text, "time": moment},
		"endpoint", "state", "reason", "time")
)

func listOf(s schema) schema { return schema{"type": "array", "items": s} }

// texts is an object of string properties and of others, all of which are
// always there (a text that is unset: "").
func texts(others schema, names ...string) schema {
	properties := maps.Clone(others)
	for _, name := range names {
		properties[name] = text
	}
	return object(properties, slices.Sorted(maps.Keys(properties))...)
}
