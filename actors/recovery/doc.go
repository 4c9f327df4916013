// Package recovery tells what is owed when a shard is taken, and how what is
// parked is cut into segments. The node and the simulation run this very code.
//
// A Taking says what of the journal and DEFERRED is to be read, in which order,
// and folds what is found into transport.Recovered: which pairs have ended, how
// far the others had come, which are parked and at which hop, whom events went
// to, and how much is parked of each endpoint. It promises that a pair that
// ended, or is parked, is known where its message can come again, and that no
// more is kept than that.
//
// A Cutter promises that each entry is in exactly one segment, the higher hop
// where a pair is there twice; that a segment holds one kind, comes back no
// sooner than any of its entries is to, and has a name that no other has.
//
// It is pure: no I/O, no clock, no goroutine; all times are inputs. It may
// import transport alone.
package recovery
