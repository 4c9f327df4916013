// Package bench measures: a pacer that keeps intended send times, a lean
// receiver in a process of its own (the sink), a bare HTTP client to compare
// with, the suites, and the report.
//
// It promises that latency is counted from the time an event was meant to be
// published, that every delivery owed is waited for before a figure is given,
// that a rate is what the receiver counted, and that each figure names its
// fan-out, endpoints and sync, with the machine and the versions beside it.
//
// The node comes in through the small interface Node. It may import transport
// and transport/signature, never actors, config or cmd.
package bench
