package jet

import (
	"context"
	"hash/maphash"
	"math"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// readDeferred notes the highest hop of each pair that may come back: those of
// due messages, with what is parked of them again, and those of events above the
// floor. Of all else, a long backlog perhaps, the subjects tell enough.
func (r *recovery) readDeferred(ctx context.Context) error {
	stream, err := r.store.js.Stream(ctx, StreamDeferred)
	if err != nil {
		return err
	}
	last := stream.CachedInfo().State.LastSeq
	if err := r.readDue(ctx); err != nil {
		return err
	}
	all, err := r.readAbove(ctx)
	if err != nil || all {
		return err
	}
	fired := sweep{stream: StreamDeferred, subject: dueFilter(), from: last + 1}
	return r.store.sweep(ctx, fired, func(m *jetstream.RawStreamMsg) error {
		r.entries(m)
		return nil
	})
}

// readDue reads on from the first due message, since what is parked again lies
// behind what it was due as. It ends where that can be no more, and no record
// of the journal is of what came due since: all that came due while no node was
// there.
func (r *recovery) readDue(ctx context.Context) error {
	if r.firstDue == 0 {
		return nil
	}
	var parkedLast uint64
	last, err := r.store.lastMessage(ctx, StreamDeferred, parkFilter(""))
	if err != nil {
		return err
	}
	if last != nil {
		parkedLast = last.Sequence
	}
	w := sweep{stream: StreamDeferred, subject: ">", from: r.firstDue}
	return r.store.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence > parkedLast && r.age(m) == dueYoung {
			return errSweepEnough
		}
		r.entries(m)
		return nil
	})
}

// readAbove reads what may hold pairs of events above the floor; all is false
// where some of it was gone: it fired meanwhile.
func (r *recovery) readAbove(ctx context.Context) (all bool, err error) {
	var above []parked
	err = r.store.subjectsOf(ctx, StreamDeferred, ">", func(subject string, _ uint64) {
		if p, ok := readParked(subject); ok && !p.within(r.out.Floor) {
			above = append(above, p)
		}
	})
	missing := len(above)
	for err == nil && len(above) > 0 {
		part := cutParked(&above, math.MaxInt)
		err = r.store.readSchedules(ctx, part, func(_ int, m *jetstream.RawStreamMsg) {
			missing--
			r.entries(m)
		})
	}
	return missing == 0, err
}

// entries notes those of a message. One that cannot be read is buried when it
// comes due.
func (r *recovery) entries(m *jetstream.RawStreamMsg) {
	seg, err := decodeSegment(m.Data)
	if err != nil {
		r.store.log.Error("a parked segment cannot be read", "seq", m.Sequence, "subject", m.Subject, "err", err)
		return
	}
	age := r.age(m)
	for i := range seg.Entries {
		r.entry(seg.Endpoint, &seg.Entries[i], age)
	}
}

// age is where an entry was found: on park.>, or due before or after the
// journal's last message.
type age int

const (
	notDue age = iota
	dueLong
	dueYoung
)

func (r *recovery) age(m *jetstream.RawStreamMsg) age {
	switch {
	case !strings.HasPrefix(m.Subject, "due."):
		return notDue
	case m.Time.After(r.journaled):
		return dueYoung
	}
	return dueLong
}

func (r *recovery) entry(endpoint string, e *transport.Entry, age age) {
	pair := transport.Pair{Seq: e.Event.Seq, Endpoint: endpoint, Replay: e.Replay}
	state, known := r.out.Pairs[pair]
	if !known {
		state.Hop, known = r.young[maphash.Comparable(r.seed, pair)]
	}
	switch {
	case known || age == dueLong || pair.Seq > r.out.Floor:
	case age == dueYoung:
		r.young[maphash.Comparable(r.seed, pair)] = e.Hop
		return
	default:
		return
	}
	if !known || e.Hop > state.Hop {
		state.Hop, state.Tries = e.Hop, e.Tries
	}
	r.out.Pairs[pair] = state
}
