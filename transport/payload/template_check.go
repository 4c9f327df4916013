package payload

import (
	"errors"
	"time"

	"github.com/postrider/postrider/transport"
)

// Check tells what is wrong with ep's filter, body and headers, as a
// *transport.FieldError: all that New and NewFilter find, and what a try on
// samples finds. Without samples there are our own: events that have nothing,
// and for the format genea one like Genea's own. That an event lacks what an
// expression asks for is no fault here, as the next one may have it; values of
// a wrong type, control characters in a header and too high a cost are.
func Check(ep *transport.Endpoint, samples ...*transport.Event) error {
	if ep.Filter != "" {
		if _, err := NewFilter(ep.Filter); err != nil {
			return err
		}
	}
	r, err := New(ep)
	if err != nil || !r.Templated() {
		return err
	}
	if len(samples) == 0 {
		samples = samplesOf(r.format)
	}
	for _, sample := range samples {
		if _, _, err := r.Render(sample); err != nil && !excused(err) {
			return sampleError(err)
		}
	}
	return nil
}

// excused: another event may have what this one lacks.
func excused(err error) bool {
	var skip Skip
	var why *evalError
	return errors.As(err, &skip) || errors.As(err, &why) && why.missing
}

func sampleError(err error) error {
	var why *renderError
	if errors.As(err, &why) {
		return &transport.FieldError{Field: why.field, Message: "fails on a sample event: " + why.err.Error()}
	}
	return &transport.FieldError{Field: "body", Message: "fails on a sample event: " + err.Error()}
}

func samplesOf(format string) []*transport.Event {
	sample := func(typ, doc string) *transport.Event {
		at := time.Date(2020, 12, 9, 10, 45, 38, 0, time.UTC)
		return &transport.Event{ID: "sample-1", Customer: "sample", Type: typ, Time: at, Stored: at, Data: []byte(doc)}
	}
	if format == formatGenea {
		return []*transport.Event{sample("access.granted", geneaSample)}
	}
	return []*transport.Event{sample("postrider.test", `{}`)}
}

// geneaSample has the fields of Genea's published sample.
const geneaSample = `{"uuid":"5fd0aad3d64a99000414d61e","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS",` +
	`"event_action":"SEQUR_ACCESS_GRANTED","event_message":"Access Granted","event_note":null,` +
	`"actor":{"type":"USER","user_location_uuid":"ul-1","user_location_role":"USER","user_uuid":"u-1","user_name":"Test User",` +
	`"user_email":"test@example.com","user_avatar_url":"https://example.com/a.png"},` +
	`"location":{"uuid":"l-1","name":"Genea","address_line1":"1 Road","address_line2":"Suite 108","city":"Alpharetta","state":"GA",` +
	`"zip":"30004","phone":null,"timezone":"America/New_York","latitude":21.2741,"longitude":72.9647},` +
	`"controller":{"uuid":"c-1","name":"00:0F:E5:0B:A5:4E","mac":"00:0f:e5:0b:a5:4e","model":"LP1502","status":"OFFLINE"},` +
	`"card":{"uuid":"k-1","type":"KEYCARD","status":"ACTIVE","card_number":"12006465125","start_date":"2020-12-08T11:33:19.000Z","end_date":null},` +
	`"created_at":"2020-12-09T10:45:39.346Z"}`
