package deferred

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Config is the stream as it is to be: what waits. Message schedules refuse DiscardNew.
func Config(shard jet.Shard) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               shard.Deferred(),
		Description:        "Postrider: what waits for its time",
		Subjects:           []string{jet.SubjectPark, jet.SubjectDue},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.WorkQueuePolicy,
		AllowMsgSchedules:  true,
		AllowRollup:        true,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}
