package run

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// troubles are the reasons why parts of the runner wait.
type troubles struct {
	log *slog.Logger

	mu     sync.Mutex
	byPart map[string]error
}

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{log: log, byPart: map[string]error{}}
}

// note takes in why a part waits, or that it goes on (nil), and logs each once.
func (t *troubles) note(part string, err error) {
	t.mu.Lock()
	was := t.byPart[part]
	t.byPart[part] = err
	t.mu.Unlock()
	switch {
	case was == nil && err != nil:
		t.log.Warn(part+" wait; trying until it goes on", "error", err)
	case was != nil && err == nil:
		t.log.Info(part + " go on")
	}
}

// ready is nil, or what one of the parts waits for.
func (t *troubles) ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(t.byPart)) {
		if err := t.byPart[part]; err != nil {
			return fmt.Errorf("%s wait: %w", part, err)
		}
	}
	return nil
}

// retry spaces out the tries of what failed.
type retry struct {
	first time.Duration
	now   func() time.Time
}

// pause is after so many failures before: twice as long each time, up to eight
// times the first.
func (r retry) pause(failures int) time.Duration { return r.first << min(failures, 3) }

// until has a part begin again after each error, until ctx ends. What went well
// for long enough is tried at once again.
func (r retry) until(ctx context.Context, part string, of *troubles, do func(context.Context) error) {
	for failures := 0; ; failures++ {
		began := r.now()
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if r.now().Sub(began) > 8*r.first {
			failures = 0
		}
		of.note(part, err)
		select {
		case <-time.After(r.pause(failures)):
		case <-ctx.Done():
			return
		}
	}
}
