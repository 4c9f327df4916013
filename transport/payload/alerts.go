package payload

import (
	"strconv"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// typeMatchesFound is the event of a run of alerts; its data is a
// matching.Report, whose parts stand in GenLogs' order already.
const typeMatchesFound = "alert.matches_found"

// report has the parts of a run's report, as they are written in it.
type report struct{ details, matches, total, timestamp []byte }

// matchesFound is GenLogs' payload of a run: the report under GenLogs' keys,
// without what the document of GenLogs does not have. ok is false where the
// event's data is no report.
func (r *Renderer) matchesFound(dst []byte, ev *transport.Event) (out []byte, ok bool) {
	parts, ok := reportOf(ev.Data)
	if !ok {
		return dst, false
	}
	out = jsontext.AppendString(append(dst, `{"event":`...), ev.Type)
	out = jsontext.AppendString(append(out, `,"webhook_id":`...), r.endpoint)
	out = strconv.AppendInt(append(out, `,"customer_id":`...), r.number, 10)
	if out, ok = appendWithout(append(out, `,"alert_details":`...), parts.details, `"cc_emails"`); !ok {
		return dst, false
	}
	if out, ok = appendWithout(append(out, `,"matches":`...), parts.matches, `"alert_id"`); !ok {
		return dst, false
	}
	out = append(append(out, `,"total_matches":`...), parts.total...)
	out = append(append(out, `,"timestamp":`...), parts.timestamp...)
	return append(out, '}'), true
}

// reportOf finds the parts of a report; false where one is missing.
func reportOf(data []byte) (p report, ok bool) {
	run := false
	r := jsontext.Reader{Doc: data}
	ok = r.Spans(func(key, value []byte) bool {
		switch string(key) {
		case `"run_id"`:
			run = true
		case `"alert_details"`:
			p.details = value
		case `"matches"`:
			p.matches = value
		case `"total_matches"`:
			p.total = value
		case `"timestamp"`:
			p.timestamp = value
		}
		return true
	})
	return p, ok && run && p.details != nil && p.matches != nil && p.total != nil && p.timestamp != nil
}

// appendWithout appends an array of objects, all of them without the member of
// that key, which is given in its quotes.
func appendWithout(dst, array []byte, key string) ([]byte, bool) {
	r := &jsontext.Reader{Doc: array}
	if r.Next() != '[' {
		return dst, false
	}
	dst = append(dst, '[')
	for first := true; ; first = false {
		r.Pos++ // the bracket, or a comma
		if first && r.Next() == ']' {
			return append(dst, ']'), true
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		start := len(dst)
		ok := r.Spans(func(name, value []byte) bool {
			if string(name) == key {
				return true
			}
			if len(dst) > start {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, name...), ':'), value...)
			return true
		})
		if !ok {
			return dst, false
		}
		dst = append(dst, '}')
		switch r.Next() {
		case ']':
			return append(dst, ']'), true
		case ',':
		default:
			return dst, false
		}
	}
}
