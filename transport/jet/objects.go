package jet

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// PutPayload stores a payload over the server's message limit under name.
func (s *Store) PutPayload(ctx context.Context, name string, data []byte) error {
	if _, err := s.payloads.PutBytes(ctx, name, data); err != nil {
		return fmt.Errorf("storing payload %s: %w", name, unavailable(err))
	}
	return nil
}

// GetPayload gives what PutPayload stored, or an error wrapping
// transport.ErrNotFound.
func (s *Store) GetPayload(ctx context.Context, name string) ([]byte, error) {
	data, err := s.payloads.GetBytes(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, fmt.Errorf("payload %s: %w", name, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading payload %s: %w", name, unavailable(err))
	}
	return data, nil
}

// DeletePayload drops a payload; one that is not there is fine.
func (s *Store) DeletePayload(ctx context.Context, name string) error {
	err := s.payloads.Delete(ctx, name)
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("deleting payload %s: %w", name, unavailable(err))
	}
	return nil
}
