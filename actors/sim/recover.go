package sim

import (
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// recoverMargin: see transport/jet.
const recoverMargin = time.Minute

// recovery takes the shard as transport/jet does: from the floors, the journal
// and DEFERRED alone.
type recovery struct {
	w         *world
	out       *transport.Recovered
	journaled time.Time // the last record
	// young are the hops of what came due so much later that no record can be of
	// it, and is there once so far.
	young map[transport.Pair]uint32
}

func (w *world) recover() *transport.Recovered {
	r := recovery{w: w, journaled: w.journal.last(), young: map[transport.Pair]uint32{}, out: &transport.Recovered{
		FanOuts: map[uint64][]string{}, Pairs: map[transport.Pair]transport.PairState{},
		Skipped: map[uint64]bool{}, Parked: map[string]transport.Parked{},
	}}
	r.out.Floor = w.log.toFloor()
	w.deferred.toFloor()
	since := r.since()
	counted := map[string]bool{}
	for _, p := range w.deferred.all {
		if p.gone {
			continue
		}
		if !counted[p.id] { // a segment that fired twice comes back once
			counted[p.id] = true
			r.count(p)
		}
	}
	if !since.IsZero() {
		r.deferred()
	}
	if !since.IsZero() {
		w.journal.since(since, r.record)
	}
	if w.o.Plant == ForgotEnds {
		for pair, st := range r.out.Pairs {
			st.Final = false
			r.out.Pairs[pair] = st
		}
	}
	return r.out
}

// deferred reads what is due and what lies behind it, and then what is parked:
// of that too, or of events above the floor.
func (r *recovery) deferred() {
	behind := false
	for _, p := range r.w.deferred.all {
		if behind = behind || p.due && !p.gone; behind && !p.gone {
			r.entries(p)
		}
	}
	for _, p := range r.w.deferred.all {
		if !p.gone && !p.due {
			r.entries(p)
		}
	}
}

// since is a minute before the oldest message that comes again; zero: none does.
func (r *recovery) since() (since time.Time) {
	if r.out.Floor < r.w.log.last() {
		since = r.w.log.at(r.out.Floor + 1).event.Stored
	}
	for _, p := range r.w.deferred.all {
		if !p.gone && p.due {
			if since.IsZero() || p.stored.Before(since) {
				since = p.stored
			}
			break
		}
	}
	if since.IsZero() {
		return since
	}
	return since.Add(-recoverMargin)
}

// count tells what is parked of each endpoint, but for the first parking of a
// replay, which is past any actor and counted nowhere.
func (r *recovery) count(p *parked) {
	c := r.out.Parked[p.endpoint]
	for i := range p.entries {
		e := &p.entries[i]
		if e.Replay != 0 && e.Hop == 1 {
			continue
		}
		c.Entries++
		c.Bytes += int64(e.Event.Size())
		if e.Due.IsZero() {
			c.Ready++
		}
	}
	r.out.Parked[p.endpoint] = c
}

func (r *recovery) entries(p *parked) {
	for i := range p.entries {
		e := &p.entries[i]
		pair := transport.Pair{Seq: e.Event.Seq, Endpoint: p.endpoint, Replay: e.Replay}
		state, known := r.out.Pairs[pair]
		if !known {
			state.Hop, known = r.young[pair]
		}
		switch {
		case known || pair.Seq > r.out.Floor:
		case !p.due:
			continue
		case p.stored.After(r.journaled.Add(recoverMargin)):
			r.young[pair] = e.Hop
			continue
		}
		if !known || e.Hop > state.Hop {
			state.Hop, state.Tries = e.Hop, slices.Clone(e.Tries)
		}
		r.out.Pairs[pair] = state
	}
}

func (r *recovery) record(rec *transport.Record) {
	above := rec.Seq > r.out.Floor
	switch {
	case rec.Kind == transport.FanOut:
		if _, known := r.out.FanOuts[rec.Seq]; above && !known {
			r.out.FanOuts[rec.Seq] = rec.Endpoints
		}
	case rec.Endpoint == "":
		if above && rec.Kind == transport.Skipped {
			r.out.Skipped[rec.Seq] = true
		}
	default:
		pair := transport.Pair{Seq: rec.Seq, Endpoint: rec.Endpoint, Replay: rec.Replay}
		state, known := r.out.Pairs[pair]
		if known || above {
			advance(&state, rec)
			r.out.Pairs[pair] = state
		}
	}
}

// advance adds a record to what is known of its pair.
func advance(state *transport.PairState, rec *transport.Record) {
	switch {
	case state.Final:
	case rec.Final():
		*state = transport.PairState{Final: true, Hop: state.Hop}
	case rec.Kind != transport.Tried || rec.Number < len(state.Tries):
	default:
		if rec.Number > len(state.Tries) {
			state.Tries = append(state.Tries, transport.Try{At: rec.At, Took: rec.Answer.Took,
				Status: rec.Answer.Status, Class: rec.Answer.Class, Reason: rec.Answer.Reason})
		}
		state.Next = rec.NextAt
	}
}
