package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/kept"
)

const (
	// mostMoved bounds the events that are moved to KEPT in one go, movedPart how
	// many of them are read at a time.
	mostMoved = 1 << 16
	movedPart = 64
)

// makeRoom moves events that something waits for from EVENTS to KEPT, the oldest
// first, until purging up to the next one would free need bytes or KEPT is full: see
// eventlog.Options.MakeRoom. All of them are settled and old, so that nothing refers
// to one for the first time meanwhile.
func (s *Store) makeRoom(ctx context.Context, from, below uint64, need int64) (low uint64, err error) {
	if err := s.dropKept(ctx); err != nil {
		return 0, err
	}
	seqs, err := s.Deferred.ReferredTo(ctx, from, below, mostMoved)
	if err != nil {
		return 0, err
	}
	if len(seqs) < mostMoved {
		seqs = append(seqs, below)
	}
	each, err := s.Events.MeanBytes(ctx)
	if err != nil {
		return 0, err
	}
	moved, n := 0, 0
	for moved < len(seqs)-1 && int64(seqs[moved]-from)*each < need {
		part := seqs[moved:min(moved+movedPart, len(seqs)-1)]
		messages, err := s.Events.Raw(ctx, part)
		if err != nil {
			return 0, err
		}
		if err := s.Kept.Keep(ctx, messages); errors.Is(err, kept.ErrFull) {
			s.Log().Warn("the log runs short of room for what nothing but waiting deliveries needs, and there is none to keep it elsewhere")
			break
		} else if err != nil {
			return 0, fmt.Errorf("keeping events that are waited for: %w", jet.Unavailable(err))
		}
		moved, n = moved+len(part), n+len(messages)
	}
	if n > 0 {
		s.Log().Info("events that are waited for were moved, so that the log has room", "events", n, "up_to", seqs[moved])
	}
	return seqs[moved], nil
}

// Relieve drops the oldest events below a sequence that are settled and that
// nothing waits for, however young they are: see eventlog.Store.
func (s *Store) Relieve(ctx context.Context, below uint64) (first uint64, err error) {
	s.purging.Lock()
	defer s.purging.Unlock()
	return s.Events.Relieve(ctx, below)
}

// Purge drops what is settled and old and that nothing waits for: see
// eventlog.Store.
func (s *Store) Purge(ctx context.Context) error {
	s.purging.Lock()
	defer s.purging.Unlock()
	err := s.Events.Purge(ctx)
	if dropped := s.dropKept(ctx); dropped != nil {
		err = errors.Join(err, fmt.Errorf("dropping events that nothing waits for any more: %w", dropped))
	}
	return err
}

// dropKept deletes what was moved to KEPT and nothing waits for any more.
func (s *Store) dropKept(ctx context.Context) error {
	there, err := s.Kept.Sequences(ctx)
	if err != nil || len(there) == 0 {
		return jet.Unavailable(err)
	}
	slices.Sort(there)
	wanted, err := s.Deferred.ReferredTo(ctx, there[0], there[len(there)-1]+1, len(there))
	if err != nil {
		return jet.Unavailable(err)
	}
	unwanted := slices.DeleteFunc(there, func(seq uint64) bool {
		_, found := slices.BinarySearch(wanted, seq)
		return found
	})
	return jet.Unavailable(s.Kept.Drop(ctx, unwanted))
}
