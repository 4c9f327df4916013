// Package kept is what the log has no room for and something still refers to: the
// stream KEPT of one shard.
//
// An event that is settled and old, and waits for an endpoint, stays in the log.
// Where that runs short of room, such events are moved here, once each and the
// oldest first, and are found by their sequence still; what nothing refers to any
// more is dropped. Full, it refuses: then the log keeps what it has.
// It imports transport/jet and its kit, and no other room.
package kept
