// Package log will be the delivery log: an index over the journal, for looking
// up what became of an event.
//
// It is empty until its time; the journal itself is written by transport/jet.
// It will promise never to be on the delivery path: an index that is lost is
// built again from the journal.
//
// It may import transport and transport/telemetry.
package log
