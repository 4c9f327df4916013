package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The bucket PAYLOADS as JetStream keeps it: for each object one message that
// describes it, and its parts under an id of that put.
const (
	subjectMeta   = "$O." + BucketPayloads + ".M."
	subjectChunks = "$O." + BucketPayloads + ".C."
)

const (
	// payloadMargin is how much longer a payload is kept than an event, and the
	// most that may lie between storing it and the event that refers to it.
	payloadMargin = time.Hour
	// eventPayloadMargin is the same of payloads of events, which are put aside
	// and referred to within PutAsideTime and a commit.
	eventPayloadMargin = PutAsideTime + time.Minute
	// sweepPayloads is how many payloads are looked for in one go: some 5 MB.
	sweepPayloads = 1 << 15
)

func chunkSubject(nuid string) string { return subjectChunks + nuid }

// oldPayloads are payloads that may be deleted where nothing refers to them.
type oldPayloads struct {
	byName map[string]oldPayload
	newest time.Time
	margin time.Duration // see References.Fresh
	// next is where to look for more; 0: there are no more.
	next uint64
}

// oldPayload is where JetStream keeps a payload.
type oldPayload struct{ meta, chunks string }

// SweepPayloads deletes the payloads that are older than keep and an hour and
// that no message of the given streams refers to. Where there is none of that age
// nothing else is read. It may run at any time where what refers to a payload is
// stored before its predecessor is dropped, and the streams are given in the
// order in which that moves.
func (c *Conn) SweepPayloads(ctx context.Context, keep time.Duration, in []References) error {
	return c.sweepOld(ctx, "", c.now().Add(-keep-payloadMargin), sweepPayloads, in)
}

// SweepEventPayloads deletes, of those that were put aside for events before the
// log's first one was stored, whatever nothing refers to any more: the log was
// shortened sooner than its age says.
func (c *Conn) SweepEventPayloads(ctx context.Context, in []References) error {
	stream, err := c.js.Stream(ctx, StreamEvents)
	if err != nil {
		return fmt.Errorf("sweeping %s: %w", BucketPayloads, Unavailable(err))
	}
	before := c.now().Add(-eventPayloadMargin)
	if state := stream.CachedInfo().State; state.Msgs > 0 && state.FirstTime.Before(before) {
		before = state.FirstTime
	}
	return c.sweepOld(ctx, KindEvent, before, sweepPayloads, in)
}

// sweepOld sweeps those of a kind (empty: all) stored before a time, at most so
// many in one go.
func (c *Conn) sweepOld(ctx context.Context, kind string, before time.Time, most int, in []References) error {
	for from := uint64(1); from > 0; {
		old, err := c.oldPayloads(ctx, from, kind, before, most)
		if err == nil {
			err = c.spareReferred(ctx, old, in)
		}
		if err == nil {
			err = c.deleteOld(ctx, old)
		}
		if err != nil {
			return fmt.Errorf("sweeping %s: %w", BucketPayloads, Unavailable(err))
		}
		from = old.next
	}
	return nil
}

// oldPayloads finds those stored before a time. Also found is what
// DeletePayload leaves of an object: the note that it was deleted.
func (c *Conn) oldPayloads(ctx context.Context, from uint64, kind string, before time.Time, most int) (*oldPayloads, error) {
	old := &oldPayloads{byName: map[string]oldPayload{}, margin: payloadMargin}
	if kind == KindEvent {
		old.margin = eventPayloadMargin
	}
	w := Sweep{Stream: StreamPayloads, Subject: subjectMeta + ">", From: from}
	err := c.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if !m.Time.Before(before) {
			return ErrEnough
		}
		if len(old.byName) == most {
			old.next = m.Sequence
			return ErrEnough
		}
		var info jetstream.ObjectInfo
		if err := json.Unmarshal(m.Data, &info); err != nil || info.Name == "" || info.NUID == "" {
			c.log.Warn("what describes a payload cannot be read; it stays", "seq", m.Sequence, "subject", m.Subject, "err", err)
			return nil
		}
		if !strings.HasPrefix(info.Name, kind) {
			return nil
		}
		old.byName[info.Name] = oldPayload{meta: m.Subject, chunks: chunkSubject(info.NUID)}
		old.newest = m.Time
		return nil
	})
	return old, err
}

// References tells what the messages of a stream refer to.
type References struct {
	Stream string
	// Names gives the payloads that a message refers to; false where it cannot
	// be read.
	Names func(*jetstream.RawStreamMsg) (names []string, known bool)
	// Fresh: messages refer to payloads that were stored within an hour before
	// them alone.
	Fresh bool
}

// spareReferred drops from old whatever is referred to.
func (c *Conn) spareReferred(ctx context.Context, old *oldPayloads, in []References) error {
	for i := range in {
		of := &in[i]
		if len(old.byName) == 0 {
			return nil
		}
		err := c.Sweep(ctx, Sweep{Stream: of.Stream, Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
			if of.Fresh && m.Time.After(old.newest.Add(old.margin)) {
				return ErrEnough // from here on they refer to later payloads
			}
			if old.spare(of, m); len(old.byName) > 0 {
				return nil
			}
			return ErrEnough
		})
		if err != nil {
			return fmt.Errorf("looking for references in %s: %w", of.Stream, err)
		}
	}
	return nil
}

func (old *oldPayloads) spare(of *References, m *jetstream.RawStreamMsg) {
	names, known := of.Names(m)
	if !known {
		old.spareNamed(m.Data)
	}
	for _, name := range names {
		delete(old.byName, name)
	}
}

// anyPayloadName is what PayloadName makes.
var anyPayloadName = regexp.MustCompile(`[a-z]+-[0-9a-f]{32}`)

// spareNamed takes every name in a message that cannot be read as a reference.
func (old *oldPayloads) spareNamed(data []byte) {
	for _, name := range anyPayloadName.FindAll(data, -1) {
		delete(old.byName, string(name))
	}
}

// deleteOld purges rather than deletes: nothing is left behind. The parts go
// first, so that what is broken off is found again by the next sweep.
func (c *Conn) deleteOld(ctx context.Context, old *oldPayloads) error {
	if len(old.byName) == 0 {
		return nil
	}
	stream, err := c.js.Stream(ctx, StreamPayloads)
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
	c.log.Info("payloads that nothing refers to any more were deleted", "payloads", len(old.byName))
	return nil
}
