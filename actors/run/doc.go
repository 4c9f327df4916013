// Package run carries alert runs out: what is due becomes a record, the record
// a sweep over detections, and what matched one event for each customer.
//
// Its mechanism is the record. A key (a customer and a type of run) has one last
// run, written by compare-and-set before a detection is read: what triggered it,
// what it is about, its id. Whatever breaks a run off, the next life finds the
// record open and does the same again, and each step finds what it did before:
// the event by the run's id, the cursor where it should go, the log's row by its
// subject. So nothing here is exactly once but the record; all else is
// repeatable. A trigger is settled when a record stands for it, and answered by
// that record when it comes again.
//
// Three parts, each in files of its own, hand on no more than a record:
//   - scheduling: schedules.go keeps JetStream's schedules as alerts and customers
//     ask for; due.go collects triggers and arranges what may be open together;
//     plan.go decides what the next run of a key is about, from cursors, records
//     and alerts alone; round.go makes the records and tells those who asked.
//   - sweeping: sweep.go, matcher.go and job.go read each detection once for all
//     runs that want it, match on several goroutines and keep the order. Memory
//     is bounded by Options.Memory: what is more becomes another run.
//   - concluding: conclude.go stores the event, moves cursors, notes what alerts
//     have caught up (moves.go), tells the customer, and ends the record.
//
// Live alerts (live.go, batch.go) sweep a tail instead of the log, and make a
// record only where something matched. moves.go is about alerts that change
// their type: which runs take them along, and from where.
//
// It promises: of a customer's alerts of one type each detection is looked at
// by one run; a run that is repeated, whatever broke it off, reports under the
// same id and is stored once; every run is logged and told of, matched or not;
// two runs that cover the same alerts do not overlap; an alert that changes its
// type loses no match and reports none twice; a detection reaches an alert that
// was created before it. While the ledger is away runs wait, those who asked
// hear so, and Ready says it.
//
// It may import transport and matching.
package run
