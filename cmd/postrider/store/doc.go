// Package store is all that one node keeps in NATS: it puts the rooms of
// transport/jet together, each of which owns a stream or buckets and knows none
// of the others.
//
// Open connects, makes what is not there, and gives each room what it needs of
// another as a function. Recover takes the shard. It holds no logic of a room.
package store
