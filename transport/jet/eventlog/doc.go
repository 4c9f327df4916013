// Package eventlog is the log of events: the stream EVENTS of one shard.
//
// It stores what is published by HTTP and what Postrider tells itself, reads
// what producers have published, and purges what is settled and old. Log: full,
// it refuses rather than forgets; what cannot be read is given to whoever buries it.
// It imports transport/jet and its kit, and no other room.
package eventlog
