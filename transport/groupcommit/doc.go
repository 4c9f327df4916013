// Package groupcommit is the one batching writer: it collects items while a group
// of them is being stored, has the next group stored together, and knows what of
// all that was put is stored. Many writes share one sync of the disk that way.
//
// A Writer stores one group at a time. Which items make a group, how they are
// stored and who is told of it is its Policy's. What could not be stored is tried
// again until it is, with growing pauses: before all else where the order counts,
// beside what is new where it does not. A policy that answers for its items at
// once (a caller waits for the outcome) gives nothing back and is never tried again.
//
// It has no clock but the one of its pauses, and imports the standard library alone.
package groupcommit
