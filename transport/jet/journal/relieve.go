package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Relieve drops so much of the journal's records, of 1, sooner than their age
// says, oldest first. Those since a time stay: they are needed to take the
// shard. It tells how many messages went.
func (s *Store) Relieve(ctx context.Context, needed time.Time, part float64) (dropped uint64, err error) {
	stream, err := s.js.Stream(ctx, s.shard.Attempts())
	if err != nil {
		return 0, relieving(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(s.subject()))
	if err != nil {
		return 0, relieving(err)
	}
	first, err := s.conn.SequenceSince(ctx, s.shard.Attempts(), needed)
	if err != nil {
		return 0, relieving(err)
	}
	all := info.State.Subjects[s.subject()]
	keep := max(all-uint64(part*float64(all)), 1)
	if last := info.State.LastSeq; first <= last {
		keep = max(keep, last-first+1)
	}
	if keep >= all {
		return 0, nil
	}
	if !s.fence.Acts() {
		return 0, relieving(jet.ErrHalted)
	}
	// Records that are written meanwhile have as many more go, of the oldest.
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(s.subject()), jetstream.WithPurgeKeep(keep)); err != nil {
		return 0, relieving(err)
	}
	return all - keep, nil
}

func relieving(err error) error {
	return fmt.Errorf("making room in %s: %w", jet.StreamAttempts, jet.Unavailable(err))
}
