package eventlog

import "github.com/postrider/postrider/transport/syntax/jsontext"

// document is what one pass over a JSON text finds: the values of the top-level
// names that may give an id or a time, or tell a CloudEvent, as written.
type document struct {
	object bool

	uuid, eventType, eventAction []byte
	eventTime, time, timestamp   []byte
	specversion, id, source, typ []byte
}

// read tells whether b is one valid JSON value, and fills d on the way.
func (d *document) read(b []byte) bool {
	*d = document{}
	r := jsontext.Reader{Doc: b}
	if d.object = r.Next() == '{'; !d.object {
		return jsontext.Valid(b)
	}
	err := r.Members(0, func(name, value []byte) error {
		d.note(name, value)
		return nil
	})
	return err == nil && r.End() == nil
}

// note keeps the value of a top-level name. Of a name that comes twice the last
// one counts, as everywhere in JSON.
func (d *document) note(name, value []byte) {
	switch string(name) {
	case "uuid":
		d.uuid = value
	case "event_type":
		d.eventType = value
	case "event_action":
		d.eventAction = value
	case "event_time":
		d.eventTime = value
	case "time":
		d.time = value
	case "timestamp":
		d.timestamp = value
	case "specversion":
		d.specversion = value
	case "id":
		d.id = value
	case "source":
		d.source = value
	case "type":
		d.typ = value
	}
}
