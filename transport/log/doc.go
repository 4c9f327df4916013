// Package log is the delivery log: an index over the journal, for looking up
// what became of an event at an endpoint, by endpoint, event, type, status,
// customer and time.
//
// It promises never to be on the delivery path: it follows the journal after
// the fact, and an index that is lost, cut off or corrupt is built again from
// it. Memory is bounded (Options.MaxAttempts); what goes first is the oldest
// that was delivered or skipped, and a page says from when on the log is
// complete. What an attempt brought in full is read from the journal.
//
// It may import transport and transport/telemetry.
package log
