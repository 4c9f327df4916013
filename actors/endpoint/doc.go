// Package endpoint is one endpoint's deliveries: a pure machine that decides and
// an actor that carries out.
//
// Machine.Step(now, input) returns effects. It does no I/O, reads no clock,
// starts no goroutine, and the same inputs give the same effects, jitter
// included. It promises:
//   - never more in flight than the endpoint's concurrency, and than the
//     receiver was found to bear; one where the endpoint is ordered;
//   - in no window of time, by the receiver's own clock, more than burst + rate
//     × its length, and nothing parked while the rate has room for it;
//   - no attempt before its schedule or the receiver's Retry-After; no more of
//     them than the policy; of an open breaker, one probe at a time;
//   - what must outlive the machine is stored before the next attempt;
//   - an ordered endpoint's deliveries in order, replays after the rest;
//   - a delivery that cannot go within two seconds is parked for the time when it
//     can;
//   - exactly one closing effect (record of a delivery, park, bury, skip,
//     release) for each lease.
//
// There are two machines, with the same inputs and effects: the unordered one
// (unordered.go, slots.go) and the ordered one (ordered*.go). Each decides which
// lease is next and where the others wait. Both stand on control (control.go,
// gate.go, pace.go, answers.go, recall.go, remember.go), which is the policy:
// breaker, rate, concurrency, retry plan, memory. Machine is the one that the
// policy asks for.
//
// Actor gives the machine the time and does what it decides, through the small
// interfaces it declares. A lease is settled when everything written for it is
// durable. Retained is what is kept of an endpoint between its actors.
//
// It may import transport, actors for its mailbox, x/time/rate, and gobreaker,
// whose one door it is.
package endpoint
