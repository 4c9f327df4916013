package jet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Room is the disk that all streams may use together, in bytes; 0 or less:
// nothing bounds it.
type Room int64

// StreamPayloads and the others are the streams of buckets that have a bound.
const (
	StreamPayloads = "OBJ_" + BucketPayloads
	streamAnswers  = "KV_ANSWERS"
	streamAlerts   = "KV_ALERTS"
	streamReplays  = "KV_" + BucketReplays
	streamRegistry = "KV_" + BucketEndpoints
)

// bounds are the parts of a thousand that streams may have of the room, kept by
// the server, which refuses what goes beyond. What is left is for what must go
// on: DEFERRED, ATTEMPTS and DEADLETTERS, revocations, what endpoints remember.
// These have no such bound: to refuse there is to stop deliveries, so what comes
// in is refused first.
var bounds = map[string]int64{
	StreamEvents:     500,
	StreamPayloads:   100,
	StreamKept:       41,
	StreamDetections: 166,
	streamRegistry:   30,
	streamAlerts:     20,
	streamAnswers:    10,
	streamReplays:    10,
}

// Of is a stream's bound, in bytes; -1: it has none of its own.
func (r Room) Of(stream string) int64 {
	part, bounded := bounds[stream]
	if r <= 0 || !bounded {
		return -1
	}
	return int64(r)/1000*part + int64(r)%1000*part/1000
}

// Log is what the log may have, EVENTS, KEPT and large payloads together, of which each
// customer has a share; -1: nothing bounds it.
func (r Room) Log() int64 {
	if r <= 0 {
		return -1
	}
	return r.Of(StreamEvents) + r.Of(StreamKept) + r.Of(StreamPayloads)
}

// reserve is what the streams without a bound have when all others are full.
func (r Room) reserve() int64 {
	left := int64(r)
	for stream := range bounds {
		left -= r.Of(stream)
	}
	return left
}

// overMessage is what the server keeps beside a message.
const overMessage = 34

// StoredBytes is what a message takes of its stream, near enough.
func StoredBytes(m *nats.Msg) int64 { return int64(m.Size()) + overMessage }

// Use is how the room stands.
type Use struct {
	Room Room
	// Used is what all streams have together.
	Used    int64
	Streams []StreamInfo
}

// Parts of a hundred: from nearPart of a bound on it is near, from fullPart on it
// is reached. Publishing is refused while less than shortPart of the room is
// free, and nothing is taken up from the log with less than leastPart.
const (
	nearPart  = 80
	fullPart  = 98
	shortPart = 5
	leastPart = 2
)

func (u *Use) free(part int64) bool {
	return u.Room <= 0 || int64(u.Room)-u.Used >= int64(u.Room)/100*part
}

// Short tells that nothing more may be taken in: what is left is for what must
// go on.
func (u *Use) Short() bool { return !u.free(shortPart) }

// Least tells that not even what was taken in may be worked off, since that may
// take more room than it gives back.
func (u *Use) Least() bool { return !u.free(leastPart) }

// Pressed tells that what may be given up early should be.
func (u *Use) Pressed() bool { return !u.free(2 * shortPart) }

// reserved tells that streams without a bound have most of their reserve.
func (u *Use) reserved() bool { return u.Room > 0 && u.unbounded() >= u.Room.reserve()/100*nearPart }

// unbounded is what the streams without a bound have.
func (u *Use) unbounded() int64 {
	left := u.Used
	for i := range u.Streams {
		if s := &u.Streams[i]; s.MaxBytes > 0 {
			left -= int64(s.Bytes)
		}
	}
	return left
}

// Fill is how full one stream is, of 1; 0 where it has no bound, or is not there.
func (u *Use) Fill(stream string) float64 {
	for i := range u.Streams {
		if s := &u.Streams[i]; s.Name == stream && s.MaxBytes > 0 {
			return float64(s.Bytes) / float64(s.MaxBytes)
		}
	}
	return 0
}

// Bound is a bound that is near or reached.
type Bound struct {
	// Stream is whose it is; empty: that of all streams together.
	Stream string
	// Reached: not only near.
	Reached bool
	// Text tells how much is used, Remedy what to do.
	Text, Remedy string
}

// Bounds tells which are near or reached, in order of their names; first what is
// left of the room where that is little.
func (u *Use) Bounds() []Bound {
	var all []Bound
	for i := range u.Streams {
		s := &u.Streams[i]
		if s.MaxBytes <= 0 || int64(s.Bytes) < s.MaxBytes/100*nearPart {
			continue
		}
		all = append(all, Bound{Stream: s.Name, Reached: int64(s.Bytes) >= s.MaxBytes/100*fullPart,
			Text: fmt.Sprintf("%s has %s of its %s", s.Name, mib(int64(s.Bytes)), mib(s.MaxBytes)), Remedy: remedyOf(s.Name)})
	}
	slices.SortFunc(all, func(a, b Bound) int { return cmp.Compare(a.Stream, b.Stream) })
	if !u.Pressed() && (!u.reserved() || u.free(4*shortPart)) {
		return all
	}
	most := u.Largest()
	text := fmt.Sprintf("%s of %s are left for all streams; what waits, the journal and dead letters have %s, most of it %s",
		mib(int64(u.Room)-u.Used), mib(int64(u.Room)), mib(u.unbounded()), most)
	if u.Short() {
		text += "; publishing is refused"
	}
	return slices.Insert(all, 0, Bound{Reached: u.Short(), Text: text, Remedy: remedyOf(most)})
}

// Largest is the stream without a bound that has most.
func (u *Use) Largest() (stream string) {
	most := uint64(0)
	for i := range u.Streams {
		if s := &u.Streams[i]; s.MaxBytes <= 0 && s.Bytes >= most {
			stream, most = s.Name, s.Bytes
		}
	}
	return stream
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// remedyOf is what to do where a stream is full.
func remedyOf(stream string) string {
	const larger = "a larger disk, or nats.max_store"
	switch stream {
	case StreamEvents:
		return "find what is not settled (postrider endpoint list); bound who publishes most (quota.log_share); or give room: " + larger
	case StreamKept:
		return "find the endpoints with most waiting (postrider endpoint list), and mend, pause or remove them; or give room: " + larger
	case StreamPayloads:
		return "publish references in place of large documents; keep events for less long (events.keep); or give room: " + larger
	case StreamDetections:
		return "keep detections for less long (detections.keep), or give room: " + larger
	case StreamDeferred:
		return "find the endpoints with most waiting (postrider endpoint list), and mend, pause or remove them; or give room: " + larger
	case StreamAttempts:
		return "keep the journal for less long (attempts.keep), or give room: " + larger
	case StreamDeadLetters:
		return "replay or purge dead letters (postrider deadletter purge), or give them an age (deadletters.keep)"
	case streamAnswers:
		return "let clients send Idempotency-Key with changes alone; answers are kept for a day"
	case streamRegistry, streamAlerts:
		return "remove what nobody needs (quota.endpoints, quota.alerts), or give room: " + larger
	}
	return "give room: " + larger
}

// Room is what all streams may use together: Options.MaxStore, else what the
// embedded server may, or the account.
func (c *Conn) Room(ctx context.Context) (Room, error) {
	limit := c.opts.MaxStore
	if c.embedded != nil {
		limit = c.embedded.maxStore
	} else if limit == 0 {
		info, err := c.js.AccountInfo(ctx)
		if err != nil {
			return 0, fmt.Errorf("JetStream account: %w", Unavailable(err))
		}
		limit = info.Limits.MaxStore
	}
	return Room(max(0, limit)), nil
}

// Use asks how the room stands. Streams of which the server tells nothing are
// left out.
func (c *Conn) Use(ctx context.Context) (u Use, err error) {
	room, err := c.Room(ctx)
	if err != nil {
		return u, err
	}
	return UseOf(ctx, c.js, room)
}

// UseOf is Conn.Use where there is no Conn. A room of 0 is the account's own.
func UseOf(ctx context.Context, js jetstream.JetStream, room Room) (u Use, err error) {
	info, err := js.AccountInfo(ctx)
	if err != nil {
		return u, fmt.Errorf("JetStream account: %w", Unavailable(err))
	}
	if u.Room = room; room <= 0 {
		u.Room = Room(max(0, info.Limits.MaxStore))
	}
	u.Used, u.Streams = int64(info.Store), fillOf(ctx, js)
	return u, nil
}

// Bind gives a bucket's stream its bound.
func (c *Conn) Bind(ctx context.Context, name string) error {
	if _, bounded := bounds[name]; !bounded {
		return nil
	}
	room, err := c.Room(ctx)
	if err != nil {
		return err
	}
	stream, err := c.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, Unavailable(err))
	}
	config := stream.CachedInfo().Config
	if config.MaxBytes == room.Of(name) {
		return nil
	}
	config.MaxBytes = room.Of(name)
	_, err = c.js.UpdateStream(ctx, config)
	var refused *jetstream.APIError
	if c.embedded == nil && errors.As(err, &refused) {
		// An account's limit may count replicas, and other streams.
		c.log.Warn("the server does not take the bound of a bucket, which stays without", "bucket", name, "max_bytes", config.MaxBytes, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, Unavailable(err))
	}
	return nil
}

// ErrRoom is why nothing more is taken in while room is short; it wraps
// transport.ErrUnavailable.
var ErrRoom = fmt.Errorf("%w: the log has used up its share of the disk, what is left is for deliveries; give it more (a larger disk, nats.max_store), or see GET /v1/streams for what has most", transport.ErrUnavailable)
