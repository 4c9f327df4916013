// Package deferred is what waits: the stream DEFERRED of one shard.
//
// A segment of entries is a message that JetStream itself schedules. What waits
// is counted and chosen by its subject alone; it comes back at its time by the
// node's clock, whatever the server's says, or when it is recalled, and shows by
// its segment's name where it comes twice. It comes back more than once at
// worst, and never less.
// It imports transport/jet and its kit, and no other room; a Witness is told how far it has come.
package deferred
