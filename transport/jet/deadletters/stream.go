package deadletters

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Config is the stream as it is to be: without an age unless one is asked for. What was given up
// is the only copy of what an endpoint did not get.
func Config(shard jet.Shard, keep time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               shard.DeadLetters(),
		Description:        "Postrider: what was given up, or could not be read",
		Subjects:           []string{jet.SubjectDeadLetters, jet.SubjectLetters},
		Storage:            jetstream.FileStorage,
		MaxAge:             keep,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}
