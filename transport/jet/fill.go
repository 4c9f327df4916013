package jet

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// filling are the streams that grow with what is published and kept.
var filling = []string{StreamEvents, StreamDeferred, StreamAttempts, StreamDeadLetters, StreamDetections, StreamKept, StreamPayloads,
	streamAnswers, streamRegistry, streamAlerts, streamReplays}

// Fill asks how full the streams are that grow with use. A stream of which the
// server tells nothing until ctx ends is left out.
func (c *Conn) Fill(ctx context.Context) []StreamInfo { return fillOf(ctx, c.js) }

func fillOf(ctx context.Context, js jetstream.JetStream) []StreamInfo {
	var all []StreamInfo
	for _, name := range filling {
		if i := streamInfo(ctx, js, name); i.Error == "" {
			all = append(all, i)
		}
	}
	return all
}

// StoredAt is when the first event of the log from seq on was stored; zero
// where there is none.
func (c *Conn) StoredAt(ctx context.Context, seq uint64) (time.Time, error) {
	stream, err := c.js.Stream(ctx, StreamEvents)
	if err != nil {
		return time.Time{}, Unavailable(err)
	}
	m, err := stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, Unavailable(err)
	}
	return m.Time, nil
}
