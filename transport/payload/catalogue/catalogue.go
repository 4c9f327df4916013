package catalogue

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/postrider/postrider/transport"
)

// Publishers of events.
const (
	ByProducers = "producer"
	ByPostrider = "postrider"
)

// Entry is one event type. What it holds is shared and must not be changed.
type Entry struct {
	// Type is what stands behind events.<customer>. in the subject.
	Type string `json:"type"`
	// Category is the first word of Type.
	Category    string `json:"category"`
	Description string `json:"description"`
	Publisher   string `json:"publisher" enum:"producer,postrider" doc:"Who publishes it"`
	// Hardware it may come from; empty where hardware has no part in it.
	Hardware []string `json:"hardware" doc:"vertx, mercury; empty: hardware has no part in it"`
	// Actions are the values of event_action that it comes with.
	Actions []string `json:"event_actions,omitempty"`
	// Ours: Genea's own event_action for it is not public, this one is Postrider's.
	Ours   bool            `json:"ours,omitempty" doc:"The event_action is Postrider's own: Genea's is not public"`
	Sample json.RawMessage `json:"sample" doc:"A document as its publisher publishes it"`
	Schema json.RawMessage `json:"schema" doc:"JSON Schema (2020-12) of the document"`
}

// All gives the catalogue, by category and then in the order of its tables.
func All() []Entry { return slices.Clone(entries()) }

// Find gives the entry of a type. One that is not there is delivered too.
func Find(typ string) (Entry, bool) {
	for _, e := range entries() {
		if e.Type == typ {
			return e, true
		}
	}
	return Entry{}, false
}

// Search gives the entries of a category that have q in their type, description
// or event_action, whatever the case; an empty argument holds for all.
func Search(category, q string) []Entry {
	q = strings.ToLower(q)
	return slices.DeleteFunc(All(), func(e Entry) bool {
		text := strings.ToLower(e.Type + "\n" + e.Description + "\n" + strings.Join(e.Actions, "\n"))
		return category != "" && e.Category != category || !strings.Contains(text, q)
	})
}

// Matching gives the entries that an endpoint's pattern wants.
func Matching(pattern string) []Entry {
	return slices.DeleteFunc(All(), func(e Entry) bool { return !transport.MatchType(pattern, e.Type) })
}

// Categories lists them in the catalogue's order.
func Categories() []string {
	var list []string
	for _, e := range entries() {
		if !slices.Contains(list, e.Category) {
			list = append(list, e.Category)
		}
	}
	return list
}

// entries are made once: samples and schemas take their time.
var entries = sync.OnceValue(func() []Entry {
	var list []Entry
	for _, a := range accessEvents() {
		list = append(list, a.entry())
	}
	for _, a := range auditEvents() {
		list = append(list, a.entry())
	}
	list = append(list, ownEvents()...)
	for i := range list {
		list[i].Category, _, _ = strings.Cut(list[i].Type, ".")
	}
	return list
})

// mustJSON writes what this package made itself, without HTML escapes.
func mustJSON(v any) json.RawMessage {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("the catalogue cannot be written: " + err.Error()) // a fault of the build
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}
