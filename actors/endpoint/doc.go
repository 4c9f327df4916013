// Package endpoint is one endpoint's delivery: a pure machine that decides and
// an actor that carries out.
//
// Machine.Step(now, input) returns effects: send, record, park, bury, skip,
// release. It does no I/O, reads no clock, starts no goroutine, and the same
// inputs give the same effects, jitter included. It promises: never more in
// flight than the endpoint's concurrency; never an attempt sooner than its
// schedule or the receiver's Retry-After; never more attempts than the policy;
// exactly one closing effect (record of a delivery, park, bury, skip, release)
// for each lease.
//
// Actor gives the machine the time and does what it decides, through the small
// interfaces it declares. A lease is settled when everything written for it is
// durable.
//
// It may import transport, and actors for its mailbox.
package endpoint
