package payload

import (
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// The envelopes carry the document byte for byte as it was published.

// standard is the body of Standard Webhooks: {"type","timestamp","data"}.
func standard(dst []byte, ev *transport.Event) []byte {
	dst = appendString(append(dst, `{"type":`...), ev.Type)
	dst = appendTime(append(dst, `,"timestamp":`...), ev.Time)
	return appendData(dst, ev)
}

// cloudEvent is CloudEvents 1.0 in structured mode.
func (r *Renderer) cloudEvent(dst []byte, ev *transport.Event) []byte {
	source := ev.Source
	if source == "" {
		source = "/postrider/" + r.customer
	}
	dst = appendString(append(dst, `{"specversion":"1.0","id":`...), ev.ID)
	dst = appendString(append(dst, `,"source":`...), source)
	dst = appendString(append(dst, `,"type":`...), ev.Type)
	dst = appendTime(append(dst, `,"time":`...), ev.Time)
	return appendData(append(dst, `,"datacontenttype":"application/json"`...), ev)
}

// genLogs is the body for events other than consolidated alerts.
func (r *Renderer) genLogs(dst []byte, ev *transport.Event) []byte {
	dst = appendString(append(dst, `{"event":`...), ev.Type)
	dst = appendString(append(dst, `,"webhook_id":`...), r.endpoint)
	dst = strconv.AppendInt(append(dst, `,"customer_id":`...), r.number, 10)
	dst = append(append(dst, `,"data":`...), ev.Data...)
	dst = append(dst, `,"timestamp":"`...)
	dst = ev.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000+00:00")
	return append(dst, `"}`...)
}

// appendTime writes RFC 3339 in UTC, down to the nanosecond, without trailing zeros.
func appendTime(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano)
	return append(dst, '"')
}

func appendData(dst []byte, ev *transport.Event) []byte {
	dst = append(append(dst, `,"data":`...), ev.Data...)
	return append(dst, '}')
}
