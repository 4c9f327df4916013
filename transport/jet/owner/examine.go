package owner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Examine tells who owns a shard, and when its journal was written last.
func Examine(shard jet.Shard) func(ctx context.Context, js jetstream.JetStream, o jet.Options) []transport.Finding {
	return func(ctx context.Context, js jetstream.JetStream, _ jet.Options) []transport.Finding {
		stream, err := js.Stream(ctx, shard.Attempts())
		if err != nil {
			return nil // the streams' lines tell
		}
		f := transport.Finding{Part: "owner", Level: transport.FindingOK}
		m, err := stream.GetLastMsgForSubject(ctx, jet.NewFence(shard, false).Journal.Subject())
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			f.Text = "no node has taken the shard yet"
			return []transport.Finding{f}
		}
		var r transport.OwnerRecord
		if err == nil {
			r, err = read(m)
		}
		if err != nil {
			f.Level, f.Text = transport.FindingWarn, "who owns the shard is not known: "+err.Error()
			return []transport.Finding{f}
		}
		info := stream.CachedInfo()
		f.Text = describe(&r, info.TimeStamp.Sub(info.State.LastTime))
		return []transport.Finding{f}
	}
}

// staleAfter is how long an owner's journal is silent at most, with some patience.
const staleAfter = 3 * time.Second

func describe(r *transport.OwnerRecord, silent time.Duration) string {
	who := fmt.Sprintf("node %s, epoch %d", r.Node, r.Epoch)
	switch {
	case r.Released:
		return "nobody owns the shard; " + who + " released it at " + r.At.Format(time.RFC3339)
	case silent > staleAfter:
		return fmt.Sprintf("%s owned the shard, and has written nothing for %s: the next node takes it", who, silent.Round(time.Second))
	}
	return fmt.Sprintf("%s owns the shard; its journal was written %s ago", who, silent.Round(10*time.Millisecond))
}
