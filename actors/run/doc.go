// Package run carries alert runs out: what is due becomes a record, the record
// a sweep over detections, and what matched one event for each customer.
//
// It promises: of a customer's alerts of one type each detection is looked at
// by one run; a run that is repeated, whatever broke it off, reports under the
// same id and is stored once; two runs of a customer and type do not overlap;
// an alert that changes its type loses no match and reports none twice; a
// detection reaches an alert that was created before it. While the ledger is
// away runs wait, and Ready says so.
//
// Decisions are functions of records, cursors and alerts (plan.go, moves.go,
// schedules.go); the Runner carries them out through the interfaces of deps.go.
// One goroutine runs what is due (due.go), one live alerts (live.go); both use
// the same sweep, which decodes and matches on several goroutines and keeps the
// order. Memory is bounded by Options.Memory: what is more becomes another run.
//
// It may import transport and matching.
package run
