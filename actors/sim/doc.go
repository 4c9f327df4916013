// Package sim will hold the deterministic simulation: shard and endpoint
// machines under a clock and faults of its own, with the invariants checked
// after every step.
//
// It is empty until its time; the machines' own tests (actors/endpoint,
// actors/shard) hold the invariants now. It will promise that a seed gives the
// same run again.
//
// It may import transport, matching, and actors with what is below it.
package sim
