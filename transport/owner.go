package transport

import "time"

// Owner is who may write a shard's streams, as its record in each of them tells.
type Owner struct {
	// Node is the node's name, Boot one run of it.
	Node string `json:"node"`
	Boot string `json:"boot"`
	// Epoch grows with each taking of the shard.
	Epoch uint64 `json:"epoch"`
	// Released: it gave the shard up, and writes no more.
	Released bool `json:"released,omitempty"`
	// At is when the record was written, by the owner's clock.
	At time.Time `json:"at"`
}

// OwnerRecord is an owner's record with its place in its stream; Seq 0: there
// is none.
type OwnerRecord struct {
	Owner
	Seq uint64
}
