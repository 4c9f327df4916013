package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// headerNumber on a journal message is the owner's epoch and the message's number
// in that, from 1: "<epoch> <number>". Other subjects of the stream leave holes in
// its sequences; a hole in these is a message that is gone.
const headerNumber = "Postrider-Number"

func numberText(epoch, n uint64) string { return fmt.Sprintf("%d %d", epoch, n) }

// readNumber gives zeros where a version without numbers wrote the message.
func readNumber(h nats.Header) (epoch, n uint64) {
	if _, err := fmt.Sscanf(h.Get(headerNumber), "%d %d", &epoch, &n); err != nil {
		return 0, 0
	}
	return epoch, n
}

// guarded has the stream take m as long as this node owns the shard; first is
// when m was tried for the first time.
func (s *Store) guarded(ctx context.Context, m *nats.Msg, first time.Time) error {
	guard := s.fence.OfJournal()
	defer guard.Begin()()
	guard.Mark(m)
	ack, err := s.js.PublishMsg(ctx, m)
	if err == nil {
		s.reached.journaled(ack.Sequence)
	}
	guard.Became(first, err == nil && ack.Duplicate, err)
	return err
}

// place is where a message lies in the journal, for who looks for holes.
type place struct{ seq, epoch, number uint64 }

func placeOf(m *jetstream.RawStreamMsg) place {
	p := place{seq: m.Sequence}
	p.epoch, p.number = readNumber(m.Header)
	return p
}

// missing is how many messages are gone between p and the one that is read next.
func (p place) missing(next place) uint64 {
	switch {
	case next.epoch == 0 && p.epoch == 0:
		return next.seq - p.seq - 1
	case next.epoch == p.epoch && next.number > p.number:
		return next.number - p.number - 1
	case next.epoch > p.epoch:
		return next.number - 1
	}
	return 0
}
