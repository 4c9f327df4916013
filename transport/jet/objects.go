package jet

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// PayloadName names a payload of a kind ("event", "parked", "buried"). Nobody
// can guess it: a producer may write any header, and what the header names
// becomes the event. No name is ever given twice.
func PayloadName(kind string) string { return kind + "-" + RandomToken(16) }

// PutPayload stores a payload over the server's message limit under name.
func (s *Conn) PutPayload(ctx context.Context, name string, data []byte) error {
	if _, err := s.payloads.PutBytes(ctx, name, data); err != nil {
		return fmt.Errorf("storing payload %s: %w", name, Unavailable(err))
	}
	return nil
}

// GetPayload gives what PutPayload stored, or an error wrapping
// transport.ErrNotFound, also where only a part of it is there.
func (s *Conn) GetPayload(ctx context.Context, name string) ([]byte, error) {
	data, err := s.payloads.GetBytes(ctx, name)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return nil, fmt.Errorf("payload %s: %w", name, transport.ErrNotFound)
	case errors.Is(err, jetstream.ErrDigestMismatch), s.torn(ctx, name):
		return nil, fmt.Errorf("payload %s is incomplete: %w", name, transport.ErrNotFound)
	}
	return nil, fmt.Errorf("reading payload %s: %w", name, Unavailable(err))
}

// torn tells whether parts of a payload are lost. Reading it then ends with a
// time-out at best, which looks like a server that is away for now.
func (s *Conn) torn(ctx context.Context, name string) bool {
	if errors.Is(ctx.Err(), context.Canceled) || s.Away() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), PublishTimeout)
	defer cancel()
	info, err := s.payloads.GetInfo(ctx, name)
	if err != nil {
		return false
	}
	subject := chunkSubject(info.NUID)
	stream, err := s.js.Stream(ctx, streamPayloads)
	if err != nil {
		return false
	}
	state, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	return err == nil && state.State.Subjects[subject] < uint64(info.Chunks)
}

// HasPayload tells whether there is a payload of that name.
func (s *Conn) HasPayload(ctx context.Context, name string) (bool, error) {
	_, err := s.payloads.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for payload %s: %w", name, Unavailable(err))
	}
	return true, nil
}

// DeletePayload drops a payload; one that is not there is fine.
func (s *Conn) DeletePayload(ctx context.Context, name string) error {
	err := s.payloads.Delete(ctx, name)
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("deleting payload %s: %w", name, Unavailable(err))
	}
	return nil
}
