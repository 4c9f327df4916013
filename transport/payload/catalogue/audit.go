package catalogue

import (
	"encoding/json"
	"strings"
)

// auditEvent is something that was done to a resource: event_type AUDIT.
type auditEvent struct{ resource, action string }

// The resources that Genea's document names, and what may happen to any.
var (
	auditResources = []string{"user", "card", "access_group", "user_location", "controller", "door", "location"}
	auditActions   = []string{"created", "updated", "deleted", "installed", "uninstalled"}
)

func auditEvents() []auditEvent {
	var list []auditEvent
	for _, resource := range auditResources {
		for _, action := range auditActions {
			list = append(list, auditEvent{resource, action})
		}
	}
	return list
}

func (a auditEvent) typ() string { return "audit." + a.resource + "." + a.action }

func (a auditEvent) sample() envelope {
	e := sampleEnvelope(a.typ(), typeAudit, strings.ToUpper(a.action), words(a.resource)+" "+words(a.action))
	e.EventHWInfo = json.RawMessage("null")
	e.Actor = person()
	e.Resource = &auditResource{ID: 4711, UUID: "ce0ad974-0000-4000-8000-000000000009", Name: "Sample " + words(a.resource),
		Type: strings.ToUpper(a.resource)}
	return e
}

func (a auditEvent) entry() Entry {
	name := strings.ReplaceAll(a.resource, "_", " ")
	article := "A "
	if strings.ContainsRune("aeio", rune(name[0])) {
		article = "An "
	}
	e := a.sample()
	description := article + name + " was " + a.action + "."
	return Entry{Type: a.typ(), Description: description, Publisher: ByProducers,
		Hardware: bothHardware, Actions: []string{e.EventAction}, Sample: mustJSON(e),
		Schema: envelopeSchema(a.typ(), description, e, e.EventAction)}
}
