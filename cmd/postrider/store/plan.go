package store

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/jet/kept"
	"github.com/postrider/postrider/transport/jet/memory"
	"github.com/postrider/postrider/transport/jet/owner"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/jet/runs"
)

// streams are all streams as they are to be; the buckets are made by the rooms
// that own them.
func streams(ctx context.Context, conn *jet.Conn, o *Options) ([]jet.StreamConfig, error) {
	eventsMax, err := conn.EventsMax(ctx)
	if err != nil {
		return nil, err
	}
	return append([]jet.StreamConfig{
		eventlog.Config(shard, eventsMax), deferred.Config(shard), journal.Config(shard, o.AttemptsKeep), deadletters.Config(shard, o.DeadLettersKeep),
		kept.Config(shard, jet.KeptShare(eventsMax)),
	}, runs.Configs(o.DetectionsKeep, eventsMax)...), nil
}

// buckets are the names of the streams of the buckets that Open makes.
var buckets = []string{"KV_" + jet.BucketEndpoints, "KV_" + registry.BucketCustomers, "KV_" + memory.BucketMemory, "KV_" + registry.BucketAlerts,
	"KV_" + runs.BucketRuns, "KV_" + jet.BucketCursors, "OBJ_" + jet.BucketPayloads}

// Setup makes at the server of o.URL what Open makes: see admin.Setup.
func Setup(ctx context.Context, o Options, dry bool) ([]admin.SetupStep, error) {
	o = o.withDefaults()
	return admin.Setup(ctx, o.Options, admin.Plan{
		Streams: func(ctx context.Context, conn *jet.Conn) ([]jet.StreamConfig, error) { return streams(ctx, conn, &o) },
		Buckets: buckets,
		Make: func(ctx context.Context, conn *jet.Conn) error {
			s := &Store{Conn: conn, opts: o}
			return errors.Join(s.prepare(ctx), s.openBuckets(ctx))
		},
	}, dry)
}

// Examine tells whether a node could work with o's server: see admin.Examine.
func Examine(ctx context.Context, o jet.Options, producer admin.Producer) []transport.Finding {
	return admin.Examine(ctx, o, producer, journal.ExamineEnds(shard), registry.ExamineKey, owner.Examine(shard))
}
