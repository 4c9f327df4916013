package eventlog

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Config is the stream as it is to be: the log. Full, it refuses what is published rather than forget
// what is not delivered. JetStream's own dedup knows no customers, so it is
// set to its minimum. Rollup stays off: a producer's header must not purge.
func Config(shard jet.Shard, maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               shard.Events(),
		Description:        "Postrider: the log of events",
		Subjects:           []string{jet.SubjectEvents, jet.SubjectOps, jet.SubjectFill},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		MaxBytes:           maxBytes,
		Duplicates:         100 * time.Millisecond,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}
