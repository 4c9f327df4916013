// Package telemetry is how a node is seen from outside: Prometheus metrics in
// a registry of ours, the logger, the one line per attempt, and pprof.
//
// It promises that Record is the one place where an attempt is logged and
// counted, that nothing is formatted for a log level that is off, that labels
// are bounded (no endpoint, customer or event is ever a label), and that every
// method may be called from any goroutine. A nil *Telemetry counts nothing.
//
// It may import transport and the Prometheus client, whose only door it is.
package telemetry
