package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/quota"
)

// logUseFile is where it is kept who has how much in the log. It is a cache:
// without it the log is read again.
func logUseFile(data string) string { return filepath.Join(data, "log-use.json") }

// logUse is what it holds.
type logUse struct {
	// Log names the log that it is of.
	Log           string         `json:"log"`
	Events, Large quota.LogState `json:",omitzero"`
}

// open begins to count, before anybody publishes. What was stored since it was
// kept is read beside the node's start, in a goroutine that ends with ctx.
func (r *room) open(ctx context.Context, s *store.Store, background func(func())) error {
	r.store = s
	use, err := s.Use(ctx)
	if err != nil {
		return fmt.Errorf("the streams' room: %w", err)
	}
	if r.identity, err = s.Events.Identity(ctx); err != nil {
		return err
	}
	last, err := s.Events.LastEvent(ctx)
	if err != nil {
		return err
	}
	first, err := s.FirstSequence(ctx, jet.StreamEvents)
	if err != nil {
		return err
	}
	r.events, r.large = quota.NewLog(use.Room.Of(jet.StreamEvents)), quota.NewLog(use.Room.Of(jet.StreamPayloads))
	kept := r.kept()
	if kept.Events.Last > last {
		kept = logUse{} // the log lost its end
	}
	r.events.Restore(kept.Events)
	r.large.Restore(kept.Large)
	r.counted.Lock()
	r.upTo = last
	r.counted.Unlock()
	r.take(&use)
	background(func() {
		from := max(kept.Events.Last+1, first)
		err := s.Events.Weigh(ctx, from, last, r.count)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("what customers have in the log is known in part; the next start reads it again", "from", from, "error", err)
		}
	})
	return nil
}

// kept is what was kept of this log; nothing where there is no such thing.
func (r *room) kept() (kept logUse) {
	data, err := os.ReadFile(r.file)
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Warn("what customers have in the log cannot be read from its file; the log is read instead", "file", r.file, "error", err)
	}
	if err != nil || kept.Log != r.identity {
		return logUse{}
	}
	return kept
}

// keep writes the file in one piece.
func (r *room) keep() {
	data, err := json.Marshal(logUse{Log: r.identity, Events: r.events.State(), Large: r.large.State()})
	if err == nil {
		next := r.file + ".next"
		if err = os.WriteFile(next, data, 0o600); err == nil {
			err = os.Rename(next, r.file)
		}
	}
	if err != nil {
		r.log.Warn("what customers have in the log is not kept; the next start reads the log", "file", r.file, "error", err)
	}
}
