// Package sim is the deterministic simulation: real shard and endpoint actors
// on a stepped engine, and models of all that surrounds them (JetStream's log,
// scheduled messages and journal, receivers, the registry, clocks, kills), in
// virtual time.
//
// It promises: everything random comes from the seed, so that a seed gives the
// same run again, to the line; the invariants of design.md are judged at the
// edges, by what was sent, stored and acked, and never by the machines' own
// word; the faults that are planted in its tests are found.
//
// What is owed and how it is cut is told by the shipped actors/recovery; the
// models give it what it asks for. What they promise is what transport/jet was
// seen to keep (recover.go, park.go, journal.go there), no more. It may import
// transport, and actors with what is below it.
package sim
