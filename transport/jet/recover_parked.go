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
	read, err := r.readDue(ctx)
	if err != nil {
		return err
	}
	if err := r.readParked(ctx); err != nil {
		return err
	}
	fired := sweep{stream: StreamDeferred, subject: dueFilter(), from: read + 1} // meanwhile
	return r.store.sweep(ctx, fired, func(m *jetstream.RawStreamMsg) error {
		r.entries(m)
		return nil
	})
}

// readDue reads on from the first due message: what is parked again of one, and
// has perhaps come due since, lies behind it. Up to read nothing is due that it
// did not read.
func (r *recovery) readDue(ctx context.Context) (read uint64, err error) {
	stream, err := r.store.js.Stream(ctx, StreamDeferred)
	if err != nil {
		return 0, err
	}
	read = stream.CachedInfo().State.LastSeq
	if r.firstDue == 0 {
		return read, nil
	}
	w := sweep{stream: StreamDeferred, subject: ">", from: r.firstDue}
	err = r.store.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		read = max(read, m.Sequence)
		r.entries(m)
		return nil
	})
	return read, err
}

// readParked reads what is parked and may hold pairs of events above the floor,
// or pairs that are due: one that was parked again and whose schedule before
// fires a second time after a kill, behind that. What fires before it is read is
// due by then.
func (r *recovery) readParked(ctx context.Context) error {
	for _, s := range r.due {
		s.sort()
	}
	var needed []parked
	err := r.store.subjectsOf(ctx, StreamDeferred, parkFilter(""), func(subject string, _ uint64) {
		if p, ok := readParked(subject); ok && (!p.within(r.out.Floor) || r.due[p.endpoint].meets(&p)) {
			needed = append(needed, p)
		}
	})
	for err == nil && len(needed) > 0 {
		part := cutParked(&needed, math.MaxInt)
		err = r.store.readSchedules(ctx, part, func(_ int, m *jetstream.RawStreamMsg) { r.entries(m) })
	}
	return err
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
	if age != notDue && len(seg.Entries) > 0 {
		if r.due[seg.Endpoint] == nil {
			r.due[seg.Endpoint] = &spans{}
		}
		r.due[seg.Endpoint].add(seg.Entries)
	}
}

// age is where an entry was found: on park.>, or due when there may be
// records of it in the journal, or after that.
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
	case m.Time.After(r.journaled.Add(r.margin)):
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
