// Package journal is what was done: the stream ATTEMPTS of one shard.
//
// A Journal writes records in the order they were appended, many to a message,
// and tells when they are durable; each message also tells how far the other
// streams had come, so that one that lost its end is found. It is read from a
// time on, followed, and counted (Audit).
// It imports transport/jet and its kit, and no other room.
package journal
