package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// startPause is between two tries to start.
const startPause = time.Second

// Options are what a node is started with; all but Reload are needed.
type Options struct {
	Config *config.Config // validated
	Keys   *Keys
	// Version is of this program, for User-Agent and the API.
	Version string
	Log     *slog.Logger
	Metrics *telemetry.Telemetry
	// Reload takes in what changes while Serve runs; nil: nothing is.
	Reload *Reload
}

// Start opens everything and takes the shard; it returns when events flow.
// Where an external NATS is lost on the way it begins again, until ctx ends. An
// embedded one that fails to answer is this machine's fault, and an error at once.
func Start(ctx context.Context, o *Options) (*Node, error) {
	for {
		n, err := startOnce(ctx, o)
		if err == nil || o.Config.NATS.URL == "" || ctx.Err() != nil || !errors.Is(err, transport.ErrUnavailable) {
			return n, err
		}
		o.Log.Warn("NATS was lost during the start; beginning again", "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(startPause):
		}
	}
}
