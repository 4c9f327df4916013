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
// The parts, each with a state of its own, hand on no more than a record:
//   - scheduler (schedules.go) knows the customers, and keeps JetStream's schedules
//     as they and the alerts ask for.
//   - rounds (due.go, round.go, open.go, turn.go) collects triggers, arranges what
//     may be open together, makes the records and tells those who asked. plan.go
//     decides purely what the next run of a key is about: from cursors, records
//     and alerts alone.
//   - sweeper (sweep.go, matcher.go, job.go) reads each detection once for all
//     runs that want it, matches on several goroutines and keeps the order. Memory
//     is bounded by Options.Memory: what is more becomes another run.
//   - concluder (conclude.go) stores the event, moves cursors, notes what alerts
//     have caught up (settling.go), tells the customer, and ends the record. It
//     counts the failures of each key.
//   - live (live.go, batch.go) sweeps a tail instead of the log, and makes a
//     record only where something matched.
//   - adopter (moves.go) knows which runs are open and how far the tail has come,
//     and decides between them about alerts that change their type: which runs
//     take them along, and from where. Rounds and live batches pass by its lock.
//
// Runner puts them together, and troubles (troubles.go) tells what they wait for.
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
