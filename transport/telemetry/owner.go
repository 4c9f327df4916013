package telemetry

import "time"

// OwnerSources are asked at each scrape for who owns the shard.
type OwnerSources struct {
	// Owns tells whether this node acts as the owner right now.
	Owns func() bool
	// Epoch is the owner's, whoever that is.
	Epoch func() uint64
	// ProofAge is how old this node's proof is that it owns the shard; 0 where it
	// does not, or needs none.
	ProofAge func() time.Duration
}

// WatchOwner registers what s offers, in place of what was registered before.
func (t *Telemetry) WatchOwner(s OwnerSources) {
	if t == nil {
		return
	}
	t.watch("shard_owner", "1 while this node acts as the shard's owner.", func() float64 {
		if s.Owns() {
			return 1
		}
		return 0
	})
	t.watch("shard_epoch", "The epoch of the shard's owner, whichever node that is.", func() float64 { return float64(s.Epoch()) })
	t.watch("shard_proof_age_seconds", "How old this node's proof is that it owns the shard; it stops acting at 2.",
		func() float64 { return s.ProofAge().Seconds() })
}

// TakenOver counts that this node took the shard.
func (t *Telemetry) TakenOver() {
	if t != nil {
		t.takeovers.Inc()
	}
}

// GuardedWriteRefused counts a write that its stream refused, since another node
// owns the shard.
func (t *Telemetry) GuardedWriteRefused() {
	if t != nil {
		t.guardRefused.Inc()
	}
}
