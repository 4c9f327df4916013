package publisher

import (
	"context"
	"errors"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

// away are errors of a connection that may come back.
var away = []error{
	transport.ErrUnavailable, context.DeadlineExceeded,
	nats.ErrTimeout, nats.ErrNoResponders, nats.ErrNoServers, nats.ErrDisconnected,
	nats.ErrConnectionClosed, nats.ErrConnectionReconnecting, nats.ErrConnectionDraining,
	nats.ErrReconnectBufExceeded, nats.ErrStaleConnection,
	jetstream.ErrNoStreamResponse, jetstream.ErrNoHeartbeat,
}

// Unavailable tells whether err speaks of a server that is away, or of a
// stream that is full, so that trying again later may help.
func Unavailable(err error) bool {
	for _, target := range away {
		if errors.Is(err, target) {
			return true
		}
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case jetstreamext.JSErrCodeBatchPublishIncomplete, jetstreamext.JSErrCodeBatchPublishMissingSeq, errCodeStorage:
		return true
	}
	return api.Code == http.StatusServiceUnavailable || api.Code == http.StatusTooManyRequests
}

const (
	// errCodeStorage: insufficient storage resources available.
	errCodeStorage jetstream.ErrorCode = 10047
	// errCodeStoreFailed: among others, maximum bytes exceeded; with 503 then.
	errCodeStoreFailed jetstream.ErrorCode = 10077
)

// isFull tells whether the server refused for want of space.
func isFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == errCodeStorage || api.ErrorCode == errCodeStoreFailed)
}
