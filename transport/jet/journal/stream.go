package journal

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Config is the stream as it is to be, whose messages are kept for a time.
func Config(shard jet.Shard, keep time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               shard.Attempts(),
		Description:        "Postrider: the journal of attempts, skips and fan-outs",
		Subjects:           []string{jet.SubjectAttempts},
		Storage:            jetstream.FileStorage,
		MaxAge:             keep,
		Duplicates:         min(2*time.Minute, keep),
		AllowRollup:        true, // beats, and what is purged
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}
