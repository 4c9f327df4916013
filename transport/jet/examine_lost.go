package jet

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// lostTails tells of streams that end before what the journal tells of them. The
// journal is read first: a node that runs meanwhile only makes them longer.
func (e *examination) lostTails(ctx context.Context) {
	journal, err := e.js.Stream(ctx, StreamAttempts)
	if err != nil {
		return // the streams' lines tell
	}
	last, err := journal.GetLastMsgForSubject(ctx, subjectJournal)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return
	}
	var told transport.Reached
	if err == nil && last.Header.Get(headerReached) != "" {
		told, err = readReached(last.Header.Get(headerReached))
	}
	if err != nil {
		e.add("lost", transport.FindingWarn, "how far the streams should go is not known: "+err.Error(), "")
		return
	}
	for _, c := range []struct {
		stream string
		to     uint64
	}{{StreamEvents, told.Event}, {StreamDeferred, told.Deferred}} {
		stream, err := e.js.Stream(ctx, c.stream)
		if err != nil {
			continue // the streams' lines tell
		}
		if ends := stream.CachedInfo().State.LastSeq; ends < c.to {
			e.add("lost", transport.FindingWarn, fmt.Sprintf("%s ends at %d, and the journal tells of %d: its end is lost", c.stream, ends, c.to),
				"put the stream's newer copy back if there is one; the next start goes on without, as docs/operations.md says")
		}
	}
}
