package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// ExamineEnds tells of streams that end before what the journal of a shard tells
// of them. The journal is read first: a node that runs meanwhile only makes them
// longer.
func ExamineEnds(shard jet.Shard) func(ctx context.Context, js jetstream.JetStream, _ jet.Options) []transport.Finding {
	s := &Store{shard: shard}
	return func(ctx context.Context, js jetstream.JetStream, _ jet.Options) []transport.Finding {
		told, err := s.told(ctx, js)
		if err != nil {
			return []transport.Finding{{Part: "lost", Level: transport.FindingWarn, Text: "how far the streams should go is not known: " + err.Error()}}
		}
		return append(ends(ctx, js, shard.Events(), told.Event), ends(ctx, js, shard.Deferred(), told.Deferred)...)
	}
}

// told is how far the journal tells that the streams had come.
func (s *Store) told(ctx context.Context, js jetstream.JetStream) (told transport.Reached, err error) {
	journal, err := js.Stream(ctx, s.shard.Attempts())
	if err != nil {
		return told, nil // the streams' lines tell
	}
	last, err := journal.GetLastMsgForSubject(ctx, s.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return told, nil
	}
	if err != nil || last.Header.Get(headerReached) == "" {
		return told, err
	}
	return readReached(last.Header.Get(headerReached))
}

func ends(ctx context.Context, js jetstream.JetStream, name string, to uint64) []transport.Finding {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return nil // the streams' lines tell
	}
	last := stream.CachedInfo().State.LastSeq
	if last >= to {
		return nil
	}
	return []transport.Finding{{Part: "lost", Level: transport.FindingWarn,
		Text:   fmt.Sprintf("%s ends at %d, and the journal tells of %d: its end is lost", name, last, to),
		Remedy: "put the stream's newer copy back if there is one; the next start goes on without, as docs/operations.md says"}}
}
