package payload

import (
	"cmp"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// The envelopes carry the document byte for byte as it was published.

// standard is the body of Standard Webhooks: {"type","timestamp","data"}.
func standard(dst []byte, ev *transport.Event) []byte {
	dst = jsontext.AppendString(append(dst, `{"type":`...), ev.Type)
	dst = appendTime(append(dst, `,"timestamp":`...), ev.Time)
	return appendData(dst, ev)
}

// cloudEvent is CloudEvents 1.0 in structured mode. The id is the producer's
// own where it sent a CloudEvent: there source and id are the identity.
func (r *Renderer) cloudEvent(dst []byte, ev *transport.Event) []byte {
	cloud := ev.Cloud
	if cloud == nil {
		cloud = &cloudevents.Attributes{}
	}
	dst = jsontext.AppendString(append(dst, `{"specversion":"1.0","id":`...), cmp.Or(cloud.ID, ev.ID))
	dst = jsontext.AppendString(append(dst, `,"source":`...), cmp.Or(ev.Source, "/postrider/"+r.customer))
	dst = jsontext.AppendString(append(dst, `,"type":`...), ev.Type)
	dst = appendTime(append(dst, `,"time":`...), ev.Time)
	if cloud.Subject != "" {
		dst = jsontext.AppendString(append(dst, `,"subject":`...), cloud.Subject)
	}
	if cloud.DataSchema != "" {
		dst = jsontext.AppendString(append(dst, `,"dataschema":`...), cloud.DataSchema)
	}
	for _, extension := range cloud.Extensions {
		dst = append(jsontext.AppendString(append(dst, ','), extension.Name), ':')
		dst = append(dst, extension.Value...)
	}
	if cloud.Form == cloudevents.NoData {
		return append(dst, '}')
	}
	dst = jsontext.AppendString(append(dst, `,"datacontenttype":`...), cmp.Or(cloud.DataContentType, "application/json"))
	if cloud.Form == cloudevents.Base64Data && jsontext.IsString(ev.Data) {
		return append(append(append(dst, `,"data_base64":`...), ev.Data...), '}')
	}
	return appendData(dst, ev)
}

// genLogs is the body for events other than consolidated alerts.
func (r *Renderer) genLogs(dst []byte, ev *transport.Event) []byte {
	dst = jsontext.AppendString(append(dst, `{"event":`...), ev.Type)
	dst = jsontext.AppendString(append(dst, `,"webhook_id":`...), r.endpoint)
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
