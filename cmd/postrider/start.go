package main

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

// startWaiting is startNode, begun again for as long as an external NATS is
// lost on the way. An embedded one that fails to answer is this machine's
// fault, and an error at once.
func startWaiting(ctx context.Context, cfg *config.Config, keys *nodeKeys, log *slog.Logger, metrics *telemetry.Telemetry) (*node, error) {
	for {
		n, err := startNode(ctx, cfg, keys, log, metrics)
		if err == nil || cfg.NATS.URL == "" || ctx.Err() != nil || !errors.Is(err, transport.ErrUnavailable) {
			return n, err
		}
		log.Warn("NATS was lost during the start; beginning again", "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(startPause):
		}
	}
}
