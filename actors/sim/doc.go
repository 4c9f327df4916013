// Package sim is the deterministic simulation: the shard and endpoint actors that
// ship, on a stepped engine, and models of all that surrounds them (JetStream's
// log, scheduled messages, journal and owner's records, receivers, the registry,
// clocks, frozen and killed processes), in virtual time. One node works; at a
// modelled external server a second one may stand by.
//
// It promises: everything random comes from the seed, so that a seed gives the
// same run again, to the line; the invariants of design.md are judged at the
// edges, by what was sent, stored and acked, and never by the machines' own
// word; the faults that are planted in its tests are found.
//
// Three more parts are the code that ships: actors/recovery tells what is owed
// when a shard is taken and how segments are cut, and actors/lease decides who
// owns the shard. The models give them what they ask for and carry out what they
// decide. What a model promises is what transport/jet was seen to keep, no more:
//
//	log.go, consumer.go         EVENTS, and what a durable consumer does
//	deferred.go, refer.go       DEFERRED, and events that parked deliveries refer to
//	journal.go, edges.go        ATTEMPTS, dead letters, memories; a write's way there
//	keeper.go, gate.go          the lease carried out, guarded streams, the gate of sends
//	host.go, leave.go           machines, and how a node freezes, ends and comes back
//	recover.go, setback.go      taking the shard; streams that are set back
//	judge.go, judge_owner.go, view.go, audit.go, breaker.go   the judge
//	plan.go, faults.go          what one seed makes of it all
//
// It may import transport, and actors with what is below it.
package sim
