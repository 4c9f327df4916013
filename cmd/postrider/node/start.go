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
	// StandingBy is told of a node that waits for the shard, where others may own
	// it; nil: nobody is.
	StandingBy func(*Node)
}

// Start opens everything and takes the shard; it returns when events flow. Where
// another node owns the shard it stands by until it can take it over.
// Where an external NATS is lost on the way it begins again, until ctx ends. An
// embedded one that fails to answer is this machine's fault, and an error at once.
func Start(ctx context.Context, o *Options) (*Node, error) {
	for {
		n, err := startOnce(ctx, o)
		again := errors.Is(err, transport.ErrUnavailable) || errors.Is(err, errDeposed)
		if err == nil || o.Config.NATS.URL == "" || ctx.Err() != nil || !again {
			return n, err
		}
		o.Log.Warn("NATS, or the shard, was lost during the start; beginning again", "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(startPause):
		}
	}
}
