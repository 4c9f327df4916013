package jet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Changes is the connection for what somebody waits for: endpoints, alerts,
// customers, tokens, replays, events by HTTP. It buffers nothing while NATS is
// away, so that what was refused is never stored later. (The node's own
// connection does: its acks and its journal must not be lost, and what is sent
// twice there has ids.)
type Changes struct {
	nc       *nats.Conn
	JS       jetstream.JetStream
	payloads jetstream.ObjectStore
	link     link
}

const (
	// pingEvery finds a server that is silent: twice unanswered, it is away.
	pingEvery = 5 * time.Second
	// changeAnswer bounds the wait for the answer to one write.
	changeAnswer = 10 * time.Second
	// changePayload bounds the storing of a payload over the message limit.
	changePayload = time.Minute
)

// connect makes both connections of the store.
func (c *Conn) connect(url string, options ...nats.Option) error {
	nc, err := nats.Connect(url, append(c.connOptions(), options...)...)
	if err != nil {
		return err
	}
	own := &c.changes
	own.nc, err = nats.Connect(url, append(c.connOptions(), append(options,
		nats.ReconnectBufSize(-1), nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { own.link.down() }),
		nats.ReconnectHandler(func(*nats.Conn) { own.link.up() }))...)...)
	if err != nil {
		nc.Close()
		return err
	}
	own.link.up()
	if own.JS, err = jetstream.New(own.nc, jetstream.WithDefaultTimeout(APITimeout)); err != nil {
		return fmt.Errorf("JetStream client: %w", err)
	}
	return c.use(nc)
}

// disconnect closes both.
func (c *Conn) disconnect() {
	c.changes.close()
	if c.nc != nil {
		c.nc.Close()
	}
}

func (c *Changes) close() {
	if c.nc != nil {
		c.nc.Close()
	}
}

// Away is an error while there is no connection.
func (c *Changes) Away() error {
	if c.nc.IsConnected() && c.link.is() {
		return nil
	}
	return fmt.Errorf("no connection to NATS, nothing was changed: %w", transport.ErrUnavailable)
}

// Begin gives the context of a change and what it reads first: it ends when the
// connection is lost. Without a connection it fails at once.
func (c *Changes) Begin(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc, error) {
	if err := c.Away(); err != nil {
		return nil, nil, err
	}
	ctx, unlink := c.link.bound(ctx)
	ctx, cancel := context.WithTimeout(ctx, limit)
	return ctx, func() { cancel(); unlink() }, nil
}

// Do makes one write. Without a connection it fails at once, and nothing is
// written; where the connection is lost before the answer, or none comes, the
// error is transport.ErrUnknown.
func (c *Changes) Do(ctx context.Context, write func(ctx context.Context) error) error {
	ctx, end, err := c.Begin(ctx, changeAnswer)
	if err != nil {
		return err
	}
	defer end()
	return outcome(write(ctx))
}

// outcome tells what is known after a write failed with err.
func outcome(err error) error {
	var refused *jetstream.APIError
	switch {
	case err == nil, errors.As(err, &refused), errors.Is(err, jetstream.ErrKeyExists),
		errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrInvalidKey), errors.Is(err, nats.ErrMaxPayload):
		return err
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining),
		errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Errorf("nothing was changed: %w: %w", transport.ErrUnavailable, err) // it never left, or nobody took it
	}
	return fmt.Errorf("%w: %w", transport.ErrUnknown, err)
}

// Publish stores one message of a change.
func (c *Changes) Publish(ctx context.Context, m *nats.Msg, options ...jetstream.PublishOpt) (ack *jetstream.PubAck, err error) {
	err = c.Do(ctx, func(ctx context.Context) error {
		ack, err = c.JS.PublishMsg(ctx, m, options...)
		return err
	})
	return ack, err
}

// PutPayload is Store.PutPayload as a part of a change. Where it fails for want
// of NATS nothing is changed: what would refer to the payload is not stored.
func (c *Changes) PutPayload(ctx context.Context, name string, data []byte) error {
	ctx, end, err := c.Begin(ctx, changePayload)
	if err != nil {
		return err
	}
	defer end()
	if _, err := c.payloads.PutBytes(ctx, name, data); err != nil {
		return fmt.Errorf("storing payload %s: %w", name, unread(err))
	}
	return nil
}

// unread is err of what a change reads or prepares before its write.
func unread(err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("the connection to NATS was lost: %w: %w", transport.ErrUnavailable, err)
	}
	return Unavailable(err)
}

// changedBucket is a bucket whose writes are changes, and what is read for them
// goes the same way; what is watched goes by the node's connection.
type changedBucket struct {
	jetstream.KeyValue
	changes *Changes
	writes  jetstream.KeyValue
}

func (b *changedBucket) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	ctx, end, err := b.changes.Begin(ctx, changeAnswer)
	if err != nil {
		return nil, err
	}
	defer end()
	e, err := b.writes.Get(ctx, key)
	return e, unread(err)
}

func (b *changedBucket) Create(ctx context.Context, key string, value []byte, options ...jetstream.KVCreateOpt) (revision uint64, err error) {
	err = b.changes.Do(ctx, func(ctx context.Context) error {
		revision, err = b.writes.Create(ctx, key, value, options...)
		return err
	})
	return revision, err
}

func (b *changedBucket) Update(ctx context.Context, key string, value []byte, last uint64) (revision uint64, err error) {
	err = b.changes.Do(ctx, func(ctx context.Context) error {
		revision, err = b.writes.Update(ctx, key, value, last)
		return err
	})
	return revision, err
}

func (b *changedBucket) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	err = b.changes.Do(ctx, func(ctx context.Context) error {
		revision, err = b.writes.Put(ctx, key, value)
		return err
	})
	return revision, err
}

func (b *changedBucket) Delete(ctx context.Context, key string, options ...jetstream.KVDeleteOpt) error {
	return b.changes.Do(ctx, func(ctx context.Context) error { return b.writes.Delete(ctx, key, options...) })
}

func (b *changedBucket) Purge(ctx context.Context, key string, options ...jetstream.KVDeleteOpt) error {
	return b.changes.Do(ctx, func(ctx context.Context) error { return b.writes.Purge(ctx, key, options...) })
}
