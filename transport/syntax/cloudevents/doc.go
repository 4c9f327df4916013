// Package cloudevents reads CloudEvents 1.0 in binary mode (ce-* headers, by
// HTTP and NATS alike) and in structured mode (one JSON object).
//
// It promises that an event sent in either mode reads the same, that its data
// is one JSON value (text of another content type is a string, other bytes are
// a string in base64, no data is null), and that only what makes an event no
// CloudEvent is an error: a field that cannot be used is left out.
//
// It imports the standard library and syntax alone.
package cloudevents
