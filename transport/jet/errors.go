package jet

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Unavailable marks errors that tell of a server away or a store full, and
// leaves the rest as they are.
func Unavailable(err error) error {
	if err == nil || !publisher.Unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", transport.ErrUnavailable, err)
}

// WrongSequence tells that a write expected another state than there is.
func WrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == errCodeWrongLastSequence)
}

// errCodeWrongLastSequence: "wrong last sequence", without telling which one was right.
const errCodeWrongLastSequence jetstream.ErrorCode = 10164
