package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// link is what a stage knows of Redis: there or away. A failed batch or probe
// means away; only a probe brings it back. So while Redis is down no batch
// waits for it.
type link struct {
	remote *Redis
	logger *slog.Logger
	told   func(error)

	mu     sync.Mutex
	away   error
	proved bool // a batch went through since the last probe
}

func (l *link) up() bool { return l.state() == nil }

func (l *link) state() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}

// report takes the outcome of a batch or a probe and logs a change of state.
func (l *link) report(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.away
	l.away, l.proved = err, err == nil
	l.told(err)
	switch {
	case was == nil && err != nil:
		l.logger.Warn("redis is away: event ids are checked against this node's own memory; deliveries go on",
			"error", err)
	case was != nil && err == nil:
		l.logger.Info("redis is back: event ids are checked there again")
	}
}

// due tells whether a probe has something to find out.
func (l *link) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	proved := l.proved
	l.proved = false
	return !proved
}

// watch probes at once and then every interval in which no batch proved that
// Redis is there, until ctx ends.
func (l *link) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if l.due() {
			err := l.remote.Probe(ctx)
			if ctx.Err() != nil {
				return
			}
			l.report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *link) ready(window time.Duration) error {
	if err := l.state(); err != nil {
		return fmt.Errorf("event ids are remembered for %s only, deliveries go on; start Redis or correct its URL: %w", window, err)
	}
	return nil
}
