// Package bench measures: a pacer that keeps intended send times, lean
// receivers in a process of their own (the sink) that behave or misbehave as
// they are told, a bare HTTP client to compare with, the suites, and the report.
//
// It promises that latency is counted from the time an event was meant to be
// published, that every delivery owed is waited for before a figure is given,
// that a rate is what the receiver counted, and that each figure names its
// fan-out, endpoints and sync, with the machine and the versions beside it.
//
// The node comes in through the small interface Node, and as a process that is
// killed through Program. It may import transport, transport/signature and
// matching, never actors, config or cmd.
package bench
