package jet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// KindEvent is the kind of the payloads of events in the log.
const KindEvent = "event"

// PutAsideTime bounds how long putting aside the payloads of events takes that
// are stored together.
const PutAsideTime = 2 * time.Minute

// PayloadName names a payload of a kind (KindEvent, "parked", "buried"). Nobody
// can guess it: a producer may write any header, and what the header names
// becomes the event. No name is ever given twice.
func PayloadName(kind string) string { return kind + "-" + RandomToken(16) }

// PutPayload stores a payload over the server's message limit under name.
func (c *Conn) PutPayload(ctx context.Context, name string, data []byte) error {
	if _, err := c.payloads.PutBytes(ctx, name, data); err != nil {
		return fmt.Errorf("storing payload %s: %w", name, Unavailable(err))
	}
	return nil
}

// GetPayload gives what PutPayload stored, or an error wrapping
// transport.ErrNotFound, also where only a part of it is there.
func (c *Conn) GetPayload(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := c.withinPayloadTime(ctx, name)
	defer cancel()
	data, err := c.payloads.GetBytes(ctx, name)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return nil, fmt.Errorf("payload %s: %w", name, transport.ErrNotFound)
	case errors.Is(err, jetstream.ErrDigestMismatch), c.torn(ctx, name):
		return nil, fmt.Errorf("payload %s is incomplete: %w", name, transport.ErrNotFound)
	}
	return nil, fmt.Errorf("reading payload %s: %w", name, Unavailable(err))
}

// payloadPace is how many bytes of a payload a second are waited for.
const payloadPace = 512 << 10

// withinPayloadTime gives reading a payload as long as its size may take on a
// machine that is busy: the client's own limit is the same for all sizes.
func (c *Conn) withinPayloadTime(ctx context.Context, name string) (context.Context, context.CancelFunc) {
	limit := APITimeout
	if info, err := c.payloads.GetInfo(ctx, name); err == nil {
		limit += time.Duration(info.Size/payloadPace) * time.Second
	}
	return context.WithTimeout(ctx, limit)
}

// torn tells whether parts of a payload are lost. Reading it then ends with a
// time-out at best, which looks like a server that is away for now.
func (c *Conn) torn(ctx context.Context, name string) bool {
	if errors.Is(ctx.Err(), context.Canceled) || c.Away() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), PublishTimeout)
	defer cancel()
	info, err := c.payloads.GetInfo(ctx, name)
	if err != nil {
		return false
	}
	subject := chunkSubject(info.NUID)
	stream, err := c.js.Stream(ctx, StreamPayloads)
	if err != nil {
		return false
	}
	state, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	return err == nil && state.State.Subjects[subject] < uint64(info.Chunks)
}

// PayloadSize is how many bytes a payload has.
func (c *Conn) PayloadSize(ctx context.Context, name string) (int64, error) {
	info, err := c.payloads.GetInfo(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("looking for payload %s: %w", name, Unavailable(err))
	}
	return int64(info.Size), nil
}

// HasPayload tells whether there is a payload of that name.
func (c *Conn) HasPayload(ctx context.Context, name string) (bool, error) {
	_, err := c.payloads.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for payload %s: %w", name, Unavailable(err))
	}
	return true, nil
}

// DeletePayload drops a payload; one that is not there is fine.
func (c *Conn) DeletePayload(ctx context.Context, name string) error {
	err := c.payloads.Delete(ctx, name)
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("deleting payload %s: %w", name, Unavailable(err))
	}
	return nil
}
