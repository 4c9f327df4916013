package catalogue

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
)

// asyncAPIVersion is the version of the document that AsyncAPI describes: it
// grows with subjects, types and bodies, not with the build.
const asyncAPIVersion = "1.0.0"

// AsyncAPI is the AsyncAPI 3.0 document, as indented JSON: what producers may
// publish, what Postrider publishes, and what receivers get. It is shared and
// must not be changed.
func AsyncAPI() []byte { return asyncAPI() }

var asyncAPI = sync.OnceValue(func() []byte {
	d := asyncDocument{messages: schema{}}
	raw := mustJSON(schema{
		"asyncapi": "3.0.0",
		"info": schema{"title": "Postrider events", "version": asyncAPIVersion,
			"description": "What producers publish to Postrider by NATS, what Postrider publishes there itself, and what receivers get by HTTP. " +
				"Types that are not listed are delivered all the same."},
		"defaultContentType": "application/json",
		"servers": schema{"nats": schema{"host": "127.0.0.1:4222", "protocol": "nats",
			"description": "Where a node's embedded server listens unless set otherwise; GET /v1/info tells where it does."}},
		"channels":   d.channels(),
		"operations": operations(),
		"components": schema{"messages": d.messages, "schemas": schema{"envelope": anyEnvelope()}},
	})
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", "  "); err != nil {
		panic("the AsyncAPI document cannot be written: " + err.Error()) // a fault of the build
	}
	indented.WriteByte('\n')
	return indented.Bytes()
})

// asyncDocument collects messages while channels name them.
type asyncDocument struct{ messages schema }

// message keeps a message and gives the reference to it.
func (d *asyncDocument) message(name string, m schema) schema {
	m["name"] = name
	d.messages[name] = m
	return ref("components/messages", name)
}

func ref(place, name string) schema { return schema{"$ref": "#/" + place + "/" + name} }

func (d *asyncDocument) channels() schema {
	events, reports := schema{}, schema{}
	for _, e := range All() {
		switch {
		case e.Category == "ops":
			reports[e.Type] = d.message(e.Type, e.message())
		case e.Type != "alert.test": // is sent to receivers, and never published
			events[e.Type] = d.message(e.Type, e.message())
		}
	}
	nats := []schema{ref("servers", "nats")}
	customer := schema{"description": "The customer: 1 to 64 of A-Z a-z 0-9 _ -"}
	return schema{
		"events": schema{"address": "events.{customer}.{type}", "servers": nats, "messages": events,
			"description": "One JSON document a message. Headers that are read: Nats-Msg-Id, ce-id, ce-source, ce-time, traceparent.",
			"parameters":  schema{"customer": customer, "type": schema{"description": "The event's type: dot-separated words, such as access.granted; as a rule the name of the message"}}},
		"detections": schema{"address": "detections.{source}", "servers": nats,
			"messages":    schema{"detection": d.message("detection", detectionMessage())},
			"description": "What readers saw: alerts are matched against it.",
			"parameters":  schema{"source": schema{"description": "One or more dot-separated words of the producer's choice"}}},
		"reports": schema{"address": "ops.{customer}.{what}", "servers": nats, "messages": reports,
			"description": "Postrider's reports about its own work; events of the type ops.<what> for endpoints that want ops.>",
			"parameters":  schema{"customer": customer, "what": schema{"description": "What happened, such as endpoint.failing: the name of the message without ops."}}},
		"deliveries": schema{"address": nil, "messages": d.deliveries(),
			"description": "The URL of an endpoint: one POST for each event it wants, signed."},
	}
}

func (e Entry) message() schema {
	return schema{"title": e.Type, "summary": e.Description, "tags": []schema{{"name": e.Category}},
		"payload": e.payload(), "examples": []schema{{"payload": e.Sample}}}
}

// payload is the entry's schema, with what all envelopes share by reference and
// without its dialect, which AsyncAPI says in its own way.
func (e Entry) payload() any {
	switch {
	case e.Publisher == ByPostrider:
		return json.RawMessage(strings.Replace(string(e.Schema), `"$schema":"`+dialect+`",`, "", 1))
	case e.Category == "audit":
		return schema{"allOf": []schema{ref("components/schemas", "envelope"), narrowed(typeAudit, e.Actions)}}
	}
	return schema{"allOf": []schema{ref("components/schemas", "envelope"), narrowed(typeAccess, e.Actions)}}
}

func operations() schema {
	var published, own []schema
	for _, e := range All() {
		if e.Publisher == ByProducers {
			published = append(published, ref("channels/events/messages", e.Type))
		}
	}
	own = append(own, ref("channels/events/messages", "alert.matches_found"))
	return schema{
		"takeEvents": schema{"action": "receive", "channel": ref("channels", "events"), "messages": published,
			"summary": "Producers publish events; Postrider takes them into its log."},
		"takeDetections": schema{"action": "receive", "channel": ref("channels", "detections"),
			"summary": "Producers publish detections."},
		"publishMatches": schema{"action": "send", "channel": ref("channels", "events"), "messages": own,
			"summary": "A run of alerts publishes what matched."},
		"report": schema{"action": "send", "channel": ref("channels", "reports"),
			"summary": "Postrider reports what became of endpoints, deliveries and runs."},
		"deliver": schema{"action": "send", "channel": ref("channels", "deliveries"),
			"summary":  "Postrider delivers to endpoints, at least once.",
			"bindings": schema{"http": schema{"method": "POST", "bindingVersion": "0.3.0"}}},
	}
}
