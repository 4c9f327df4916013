package replay

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
)

// doubt knows which pairs of a step that a crash broke off had been parked.
type doubt struct {
	parked map[transport.Pair]bool
	state  func(transport.Pair) (transport.DeliveryState, error)
}

// has tells whether the unit is on its way already.
func (d *doubt) has(u *unit, number uint64) bool {
	if d.state == nil {
		return false
	}
	p := transport.Pair{Seq: u.event.Seq, Endpoint: u.endpoint, Replay: number}
	if d.parked[p] {
		return true
	}
	_, err := d.state(p)
	return err == nil
}

// clearDoubt goes through what a crash left in doubt before anything new. What
// of it was parked lies in DEFERRED still, or has a record in the journal: so
// DEFERRED is read first, and then what the log knows a moment later.
func (j *job) clearDoubt(ctx context.Context) error {
	if j.rec.Intent <= j.rec.Cursor {
		return nil
	}
	d := doubt{parked: map[transport.Pair]bool{}, state: j.replays.o.Deliveries.State}
	listed := map[string]bool{}
	_, err := j.persist(ctx, func(ctx context.Context) (bool, error) {
		for at := j.rec.Cursor; at < j.rec.Intent; {
			f, err := j.source.gather(ctx, at, mostStep)
			if err != nil || f.next == at {
				return true, err
			}
			at = f.next
			for i := range f.units {
				if err := j.list(ctx, f.units[i].endpoint, listed, &d); err != nil {
					return false, err
				}
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if err := j.sleep(ctx, logLag); err != nil {
		return err
	}
	if err := j.awaitLog(ctx); err != nil {
		return err
	}
	j.doubt = d
	for j.rec.Cursor < j.rec.Intent {
		if over, err := j.persist(ctx, j.step); over || err != nil {
			return err
		}
	}
	j.doubt = doubt{}
	return nil
}

// list notes what lies in DEFERRED for an endpoint, once.
func (j *job) list(ctx context.Context, endpoint string, listed map[string]bool, d *doubt) error {
	if listed[endpoint] {
		return nil
	}
	pairs, err := j.replays.o.Parker.List(ctx, endpoint)
	if err != nil {
		return err
	}
	listed[endpoint] = true
	for _, p := range pairs {
		if p.Replay == j.rec.Number {
			d.parked[transport.Pair{Seq: p.Seq, Endpoint: endpoint, Replay: p.Replay}] = true
		}
	}
	return nil
}

// awaitLog waits until the delivery log has read the journal.
func (j *job) awaitLog(ctx context.Context) error {
	_, err := j.persist(ctx, func(context.Context) (bool, error) {
		_, err := j.replays.o.Deliveries.State(transport.Pair{Seq: 1, Endpoint: "_"})
		if errors.Is(err, transport.ErrNotFound) {
			err = nil
		}
		return true, err
	})
	return err
}
