package cloudevents

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

const prefix = "ce-"

// ReadBinary reads binary mode: headers ce-* in any case, their values
// percent-encoded as the bindings say, and the data. cloud tells whether it is
// a CloudEvent at all: one has an id, a source or a version. Where it is none,
// e holds what there is all the same, and no data.
func ReadBinary(headers map[string][]string, data []byte) (e Event, cloud bool, err error) {
	for key, values := range headers {
		if len(key) <= len(prefix) || !strings.EqualFold(key[:len(prefix)], prefix) || len(values) == 0 {
			continue
		}
		if text := percentDecoded(values[0]); text != "" {
			e.take(strings.ToLower(key[len(prefix):]), jsontext.AppendString(nil, text))
		}
	}
	if err := e.check(); err != nil {
		return e, true, err
	}
	if cloud = e.ID != "" || e.Source != "" || e.version != ""; !cloud {
		return e, false, nil
	}
	if e.DataContentType == "" {
		e.DataContentType = cut(header(headers, "content-type"))
	}
	e.sort()
	e.setData(data)
	return e, true, nil
}

func header(headers map[string][]string, name string) string {
	for key, values := range headers {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

func percentDecoded(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// setData makes JSON of the bytes that are the event's data.
func (e *Event) setData(data []byte) {
	switch {
	case len(data) == 0:
		e.Form, e.Data = NoData, []byte("null")
	case isJSON(e.DataContentType):
		e.Data = jsontext.Trim(data)
	case isText(e.DataContentType) && utf8.Valid(data):
		e.Data = jsontext.AppendString(make([]byte, 0, len(data)+len(data)/16+2), data)
	default:
		e.Form, e.Data = Base64Data, append(base64.StdEncoding.AppendEncode([]byte{'"'}, data), '"')
	}
}

// isJSON: what says nothing is JSON, as the documents here are.
func isJSON(contentType string) bool {
	media := mediaType(contentType)
	return media == "" || strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

func isText(contentType string) bool {
	media := mediaType(contentType)
	if strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+yaml") {
		return true
	}
	switch media {
	case "application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/toml",
		"application/sql", "application/graphql", "application/x-ndjson", "application/x-www-form-urlencoded":
		return true
	}
	return false
}

func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
