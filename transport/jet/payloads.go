package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The bucket PAYLOADS as JetStream keeps it: for each object one message that
// describes it, and its parts under an id of that put.
const (
	streamPayloads = "OBJ_" + BucketPayloads
	subjectMeta    = "$O." + BucketPayloads + ".M."
	subjectChunks  = "$O." + BucketPayloads + ".C."
)

const (
	// payloadMargin is how much longer a payload is kept than an event, and the
	// most that may lie between storing it and the event that refers to it.
	payloadMargin = time.Hour
	// sweepPayloads is how many payloads are looked for in one go: some 5 MB.
	sweepPayloads = 1 << 15
)

func chunkSubject(nuid string) string { return subjectChunks + nuid }

// oldPayloads are payloads that may be deleted where nothing refers to them.
type oldPayloads struct {
	byName map[string]oldPayload
	newest time.Time
	// next is where to look for more; 0: there are no more.
	next uint64
}

// oldPayload is where JetStream keeps a payload.
type oldPayload struct{ meta, chunks string }

// SweepPayloads deletes the payloads that are older than EventsKeep and an hour
// and that no message of EVENTS, DEFERRED or DEADLETTERS refers to. Where there
// is none of that age nothing else is read. It may run at any time: what refers
// to a payload is stored before its predecessor is dropped, and is looked for
// in the order in which it moves.
func (s *Store) SweepPayloads(ctx context.Context) error {
	return s.sweepOld(ctx, s.now().Add(-s.opts.EventsKeep-payloadMargin), sweepPayloads)
}

// sweepOld sweeps those stored before a time, at most so many in one go.
func (s *Store) sweepOld(ctx context.Context, before time.Time, most int) error {
	for from := uint64(1); from > 0; {
		old, err := s.oldPayloads(ctx, from, before, most)
		if err == nil {
			err = s.spareReferred(ctx, old)
		}
		if err == nil {
			err = s.deleteOld(ctx, old)
		}
		if err != nil {
			return fmt.Errorf("sweeping %s: %w", BucketPayloads, unavailable(err))
		}
		from = old.next
	}
	return nil
}

// oldPayloads finds those stored before a time. Also found is what
// DeletePayload leaves of an object: the note that it was deleted.
func (s *Store) oldPayloads(ctx context.Context, from uint64, before time.Time, most int) (*oldPayloads, error) {
	old := &oldPayloads{byName: map[string]oldPayload{}}
	w := sweep{stream: streamPayloads, subject: subjectMeta + ">", from: from}
	err := s.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if !m.Time.Before(before) {
			return errSweepEnough
		}
		if len(old.byName) == most {
			old.next = m.Sequence
			return errSweepEnough
		}
		var info jetstream.ObjectInfo
		if err := json.Unmarshal(m.Data, &info); err != nil || info.Name == "" || info.NUID == "" {
			s.log.Warn("what describes a payload cannot be read; it stays", "seq", m.Sequence, "subject", m.Subject, "err", err)
			return nil
		}
		old.byName[info.Name] = oldPayload{meta: m.Subject, chunks: chunkSubject(info.NUID)}
		old.newest = m.Time
		return nil
	})
	return old, err
}

// spareReferred drops from old whatever is referred to. An event moves from
// EVENTS to DEFERRED, there always to the end, and from both to DEADLETTERS,
// where it stays: so each stream is read when the one before it has been.
func (s *Store) spareReferred(ctx context.Context, old *oldPayloads) error {
	for _, stream := range []struct {
		name  string
		spare func(*jetstream.RawStreamMsg) error
	}{
		{StreamEvents, old.spareEvent}, {StreamDeferred, old.spareDeferred}, {StreamDeadLetters, old.spareLetter},
	} {
		if len(old.byName) == 0 {
			return nil
		}
		err := s.sweep(ctx, sweep{stream: stream.name, subject: ">"}, func(m *jetstream.RawStreamMsg) error {
			if err := stream.spare(m); err != nil || len(old.byName) > 0 {
				return err
			}
			return errSweepEnough
		})
		if err != nil {
			return fmt.Errorf("looking for references in %s: %w", stream.name, err)
		}
	}
	return nil
}

func (old *oldPayloads) spareEvent(m *jetstream.RawStreamMsg) error {
	if m.Time.After(old.newest.Add(payloadMargin)) {
		return errSweepEnough // from here on events refer to later payloads
	}
	delete(old.byName, m.Header.Get(headerObject))
	return nil
}

func (old *oldPayloads) spareDeferred(m *jetstream.RawStreamMsg) error {
	seg, err := decodeSegment(m.Data)
	if err != nil {
		old.spareNamed(m.Data)
		return nil
	}
	for i := range seg.Entries {
		delete(old.byName, seg.Entries[i].Event.Object)
	}
	return nil
}

func (old *oldPayloads) spareLetter(m *jetstream.RawStreamMsg) error {
	var letter struct {
		Event struct {
			Object string `json:"object"`
		} `json:"event"`
	}
	if json.Unmarshal(m.Data, &letter) != nil {
		old.spareNamed(m.Data)
		return nil
	}
	delete(old.byName, letter.Event.Object)
	return nil
}

// anyPayloadName is what payloadName makes.
var anyPayloadName = regexp.MustCompile(`[a-z]+-[0-9a-f]{32}`)

// spareNamed takes every name in a message that cannot be read as a reference.
func (old *oldPayloads) spareNamed(data []byte) {
	for _, name := range anyPayloadName.FindAll(data, -1) {
		delete(old.byName, string(name))
	}
}

// deleteOld purges rather than deletes: nothing is left behind. The parts go
// first, so that what is broken off is found again by the next sweep.
func (s *Store) deleteOld(ctx context.Context, old *oldPayloads) error {
	if len(old.byName) == 0 {
		return nil
	}
	stream, err := s.js.Stream(ctx, streamPayloads)
	if err != nil {
		return err
	}
	for name, p := range old.byName {
		for _, subject := range []string{p.chunks, p.meta} {
			if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
				return fmt.Errorf("deleting %s: %w", name, err)
			}
		}
	}
	s.log.Info("payloads that nothing refers to any more were deleted", "payloads", len(old.byName))
	return nil
}
