package deadletters

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// BuryDetections makes dead letters of messages that are no detections, each
// once however often they are read, and returns when they are on disk.
func (s *Store) BuryDetections(ctx context.Context, unread []transport.UnreadDetection) error {
	acks := make([]jetstream.PubAckFuture, 0, len(unread))
	for i := range unread {
		ack, err := s.js.PublishMsgAsync(s.detectionLetter(&unread[i]))
		if err != nil {
			return fmt.Errorf("dead letters of detections: %w", jet.Unavailable(err))
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
			if told := s.opts.Unreadable; told != nil {
				told(transport.ReasonNotReadable)
			}
		case err := <-ack.Err():
			if !jet.WrongSequence(err) {
				return fmt.Errorf("dead letters of detections: %w", jet.Unavailable(err))
			}
		case <-ctx.Done():
			return fmt.Errorf("dead letters of detections: %w", ctx.Err())
		}
	}
	return nil
}

// detectionLetter has a subject of its own, on which nothing may stand yet.
func (s *Store) detectionLetter(u *transport.UnreadDetection) *nats.Msg {
	p := s.letterParcel(&transport.DeadLetter{
		Reason: transport.ReasonNotReadable, Detail: u.Detail, At: s.now(), Subject: u.Subject,
		Event: &transport.Event{Seq: u.Seq, Stored: u.Stored, Data: u.Data},
	}, "")
	p.Msg.Subject = "deadletters._.detection-" + strconv.FormatUint(u.Seq, 10)
	p.Msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	return p.Msg
}
