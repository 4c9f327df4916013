package jet

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Names of the streams and buckets; of those of a shard, of shard 0: see Shard.
const (
	StreamEvents      = transport.StreamEvents
	StreamDeferred    = transport.StreamDeferred
	StreamAttempts    = transport.StreamAttempts
	StreamDeadLetters = "DEADLETTERS"
	// StreamKept is what the log has no room for and something waits for.
	StreamKept = "KEPT"
	// StreamDetections is the log of detections.
	StreamDetections = "DETECTIONS"
	// BucketEndpoints holds the endpoints.
	BucketEndpoints = "ENDPOINTS"
	// BucketPayloads holds payloads over the message limit.
	BucketPayloads = "PAYLOADS"
	// BucketCursors holds how far runs of alerts have come on a node without
	// Redis, and how far the journal has.
	BucketCursors = "CURSORS"
	// DescribeCursors is its description.
	DescribeCursors = "Postrider: how far runs of alerts have come"

	ConsumerName = "shard"
)

// Subjects.
const (
	SubjectEvents      = "events.>"
	SubjectOps         = "ops.>"
	SubjectFill        = "fill.>"        // fill.<shard>: in the places of what was lost
	SubjectPark        = "park.>"        // see parked
	SubjectDue         = "due.>"         // see parked
	SubjectAttempts    = "attempts.>"    // attempts.<shard>, and what else tells of its owner: see owner
	SubjectDeadLetters = "deadletters.>" // deadletters.<customer|_>.<endpoint|_>
	SubjectLetters     = "letters.>"     // letters.<shard>.owner: see owner
	SubjectDetections  = "detections.>"
	SubjectKept        = "kept.>" // kept.<shard>.<sequence of the log>
)

// Headers of ours on messages.
const (
	HeaderID     = publisher.HeaderID // an event id set by us where Nats-Msg-Id would refuse a whole batch
	HeaderMsgID  = jetstream.MsgIDHeader
	HeaderObject = "Postrider-Object"      // the payload is in BucketPayloads under this name
	HeaderTime   = publisher.HeaderTime    // RFC 3339 time of an event published by HTTP
	HeaderCloud  = "Postrider-Cloud-Event" // the attributes of a CloudEvent published by HTTP, as JSON
	HeaderData   = "Postrider-Data"        // "json": the document is data, though it looks like a CloudEvent
)

// Headers that make a message a schedule. WithScheduleAt cuts to whole
// seconds and would fire early, so the header is written here.
const (
	HeaderSchedule = "Nats-Schedule"
	HeaderTarget   = "Nats-Schedule-Target"
	// HeaderKVOperation tells that a message of a bucket is none of its values.
	HeaderKVOperation = "KV-Operation"
)
