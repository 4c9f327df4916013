package jet

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamConfig is a stream as it is to be.
type StreamConfig = jetstream.StreamConfig

// Prepare creates the streams, and the bucket of payloads, or brings them up to
// date. What an operator may have chosen stays, replicas and placement, and what
// is noted in the metadata.
func (c *Conn) Prepare(ctx context.Context, streams []StreamConfig) error {
	for _, config := range streams {
		if err := c.prepareStream(ctx, config); err != nil {
			return fmt.Errorf("stream %s: %w", config.Name, Unavailable(err))
		}
	}
	return c.preparePayloads(ctx)
}

// EventsMax is what EVENTS may have, in bytes, so that publishing is refused
// while there is room yet for parking and the journal; -1 where nothing bounds it.
func (c *Conn) EventsMax(ctx context.Context) (int64, error) {
	room, err := c.Room(ctx)
	return room.Of(StreamEvents), err
}

// DetectionsShare is a third of what EVENTS has.
func DetectionsShare(eventsMax int64) int64 {
	if eventsMax < 0 {
		return -1
	}
	return eventsMax / 3
}

// KeptShare is a twelfth of what EVENTS has: a twentieth of the store.
func KeptShare(eventsMax int64) int64 {
	if eventsMax < 0 {
		return -1
	}
	return eventsMax / 12
}

func (c *Conn) prepareStream(ctx context.Context, config jetstream.StreamConfig) error {
	there, err := c.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		config.Replicas = 1
		_, err = c.js.CreateStream(ctx, config)
		return err
	}
	if err != nil {
		return err
	}
	was := there.CachedInfo().Config
	config.Replicas, config.Placement, config.Metadata = was.Replicas, was.Placement, was.Metadata
	if len(ConfigChanges(was, config)) == 0 {
		return nil // a stand-by leaves alone what the owner may be noting something at
	}
	_, err = c.js.UpdateStream(ctx, config)
	return err
}

// ConfigChanges names the fields, as the server's JSON does, in which a stream
// differs from what it is to be. Where want says nothing, the server's default
// holds, and counts as the same.
func ConfigChanges(was, want StreamConfig) []string {
	want.Replicas, want.Placement, want.Metadata = was.Replicas, was.Placement, was.Metadata
	fields := []string{}
	a, b := reflect.ValueOf(was), reflect.ValueOf(want)
	for i := range a.NumField() {
		x, y := a.Field(i), b.Field(i)
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		byDefault := y.IsZero() && (!x.CanInt() || x.Int() == -1 || name == "duplicate_window" || x.IsZero()) && x.Kind() != reflect.Bool
		if !byDefault && !reflect.DeepEqual(x.Interface(), y.Interface()) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}

func (c *Conn) preparePayloads(ctx context.Context) (err error) {
	c.payloads, err = c.js.ObjectStore(ctx, BucketPayloads)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		c.payloads, err = c.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: BucketPayloads, Description: "Postrider: payloads over the message limit", Storage: jetstream.FileStorage})
	}
	if err != nil {
		return fmt.Errorf("object store %s: %w", BucketPayloads, Unavailable(err))
	}
	if c.changes.payloads, err = c.changes.JS.ObjectStore(ctx, BucketPayloads); err != nil {
		return fmt.Errorf("object store %s: %w", BucketPayloads, Unavailable(err))
	}
	return c.Bind(ctx, StreamPayloads)
}

// Changing is kv with its writes as changes.
func (c *Conn) Changing(ctx context.Context, kv jetstream.KeyValue) (jetstream.KeyValue, error) {
	writes, err := c.changes.JS.KeyValue(ctx, kv.Bucket())
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", kv.Bucket(), Unavailable(err))
	}
	return &changedBucket{KeyValue: kv, changes: &c.changes, writes: writes}, nil
}

// Bucket opens a bucket, and makes it where it is not there. Its writes are
// changes.
func (c *Conn) Bucket(ctx context.Context, name, description string) (jetstream.KeyValue, error) {
	kv, err := c.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: description, History: 1, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, Unavailable(err))
	}
	if err := c.Bind(ctx, "KV_"+name); err != nil {
		return nil, err
	}
	return c.Changing(ctx, kv)
}
