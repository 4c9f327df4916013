package email

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// notice is a mail about one event that is not a run's matches.
type notice struct {
	Title  string
	Lead   string
	Facts  []fact
	Advice []string
	// Link is what the reader is asked to open; its label says what for.
	Link *link
	// Document is the event's data, for people; Cut says what of it is left out.
	Document, Cut string
}

type fact struct{ Label, Value string }

// noticeOf makes the mail of an event whose type has no form of its own here,
// or an ops event's.
func noticeOf(ev *transport.Event, zone *time.Location) *notice {
	if w, known := wordings[ev.Type]; known {
		return opsNotice(ev, w, zone)
	}
	n := &notice{Title: "Event " + line(ev.Type, maxName)}
	n.Facts = append(n.Facts, fact{"Event", line(ev.ID, maxValue)}, fact{"Time", moment(ev.Time, zone)})
	n.Document, n.Cut = document(ev.Data)
	return n
}

// opsFacts are the fields of an ops event's data that are told, in this order.
var opsFacts = []struct{ field, label string }{
	{"name", "Endpoint"}, {"endpoint", "Id"}, {"address", "Mailbox"}, {"url", "Receiver"}, {"state", "State"},
	{"count", "Deliveries"}, {"reasons", "Reasons"}, {"reason", "Reason"}, {"detail", "Detail"}, {"event", "Event"}, {"event_id", "Event"},
	{"event_type", "Type"}, {"run_id", "Run"}, {"alert_type", "Alerts"}, {"since", "Since"}, {"at", "At"},
}

// opsNotice tells what of the data is there; no field is needed.
func opsNotice(ev *transport.Event, words func(opsData) wording, zone *time.Location) *notice {
	data := opsData{}
	dec := json.NewDecoder(bytes.NewReader(ev.Data))
	dec.UseNumber()
	_ = dec.Decode(&data) // what cannot be read is not told

	w := words(data)
	n := &notice{Title: w.title, Lead: w.lead, Advice: w.advice}
	for _, f := range opsFacts {
		if data.several() && f.field == "reason" {
			continue // the reasons tell it
		}
		label := f.label
		if data.several() && (f.field == "event_id" || f.field == "event_type") {
			label = "The last one's " + strings.ToLower(label)
		}
		if value := factOf(f.field, data[f.field], zone); value != "" {
			n.Facts = append(n.Facts, fact{label, value})
		}
	}
	if data["at"] == nil {
		n.Facts = append(n.Facts, fact{"At", moment(ev.Time, zone)})
	}
	return n
}

func endpointName(data opsData) string {
	for _, field := range []string{"name", "address", "url", "endpoint"} {
		if value := factOf(field, data[field], time.UTC); value != "" {
			return value
		}
	}
	return "an endpoint"
}

func factOf(field string, value any, zone *time.Location) string {
	switch v := value.(type) {
	case string:
		if field == "url" {
			return line(origin(v), maxValue)
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return moment(t, zone)
		}
		return line(v, maxText)
	case json.Number:
		return line(v.String(), maxValue)
	case bool:
		return strconv.FormatBool(v)
	case map[string]any:
		return line(countsOf(v), maxText)
	}
	return ""
}

// countsOf writes how often each of some words came.
func countsOf(counts map[string]any) string {
	var list []string
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		if n, ok := counts[word].(json.Number); ok {
			list = append(list, word+" "+n.String())
		}
	}
	return strings.Join(list, ", ")
}

func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2 Jan 2006, 15:04:05 MST")
}

// Of a document that is shown, the most bytes; deeper ones are not indented,
// as each level adds to every line below it.
const (
	maxDocument = 32 << 10
	maxDepth    = 32
)

// document writes data for people; cut says what is left out.
func document(data []byte) (text, cut string) {
	size := len(data)
	if size <= maxDocument && depth(data) <= maxDepth {
		var out bytes.Buffer
		if json.Indent(&out, data, "", "  ") == nil {
			data = out.Bytes()
		}
	}
	if len(data) > maxDocument {
		data = data[:maxDocument]
		cut = fmt.Sprintf("The beginning of a document of %d bytes.", size)
	}
	return visible(strings.ToValidUTF8(string(data), "")), cut
}

// depth counts how far data nests; brackets in strings count too, which errs
// to the safe side.
func depth(data []byte) (deepest int) {
	now := 0
	for _, b := range data {
		switch b {
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}
