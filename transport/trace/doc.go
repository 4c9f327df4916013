// Package trace tells a collector, by OpenTelemetry's protocol (OTLP over HTTP),
// what becomes of events: one span from the log to the endpoints that want it,
// and one for each attempt, by which the receiver's own spans can continue.
//
// It promises that no delivery waits for it: spans that find the queue full are
// dropped and counted, and so are those that the collector does not take within
// some tries. What is traced follows from the event alone (its traceparent, or
// its identity and the share to sample), so that attempts days and restarts
// apart are one trace, and nothing is kept for it. No span holds a document, a
// header's value, a secret or an answer's body.
//
// It may import transport and transport/certificates; it is the one door to
// OpenTelemetry's messages. The SDK and its exporter are not used: they bring
// gRPC with them, of which nothing is needed.
package trace
