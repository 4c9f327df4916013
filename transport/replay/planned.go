package replay

import (
	"context"
	"errors"
	"sync"

	"github.com/postrider/postrider/transport"
)

// planned goes through a plan.
type planned struct {
	replays *Replays
	id      string
	total   uint64

	part  uint64 // the one at hand, plus one; 0: none
	items []item
}

// readers is how many events are read at a time.
const readers = 8

func (p *planned) gather(ctx context.Context, from uint64, most int) (*found, error) {
	f := &found{next: from}
	if from >= p.total {
		return f, nil
	}
	if err := p.load(ctx, from/planPart); err != nil {
		return nil, err
	}
	items := p.items[min(from%planPart, uint64(len(p.items))):]
	for len(items) > 0 && f.next-from < uint64(most) && f.bytes < stepBytes {
		few := items[:min(readers, len(items), most-int(f.next-from))]
		if err := p.read(ctx, few, f); err != nil {
			return nil, err
		}
		items, f.next = items[len(few):], f.next+uint64(len(few))
	}
	if f.next == from {
		return nil, errPlan // shorter than it was noted to be
	}
	return f, nil
}

func (p *planned) load(ctx context.Context, part uint64) error {
	if p.part == part+1 {
		return nil
	}
	data, err := p.replays.o.Records.Kept(ctx, planKey(p.id, part))
	if errors.Is(err, transport.ErrNotFound) {
		return errPlan
	}
	if err != nil {
		return err
	}
	if p.items, err = decodePlan(data); err != nil {
		return err
	}
	p.part = part + 1
	return nil
}

// read finds the events of a few items, at the same time.
func (p *planned) read(ctx context.Context, items []item, f *found) error {
	units, errs := make([]*unit, len(items)), make([]error, len(items))
	var work sync.WaitGroup
	for i := range items {
		work.Go(func() { units[i], errs[i] = p.unit(ctx, &items[i]) })
	}
	work.Wait()
	for i, u := range units {
		switch {
		case errors.Is(errs[i], transport.ErrNotFound):
			f.gone++
		case errs[i] != nil:
			return errs[i]
		case u == nil:
			f.skipped++
		default:
			f.units = append(f.units, *u)
			f.bytes += len(u.event.Data)
		}
	}
	return nil
}

// unit makes one of an item; nil where its endpoint takes nothing.
func (p *planned) unit(ctx context.Context, it *item) (*unit, error) {
	ep, there := p.replays.o.Registry.Endpoint(it.endpoint)
	if !there || !Takes(ep) {
		return nil, nil
	}
	var ev *transport.Event
	if it.letter == 0 {
		var err error
		if ev, err = p.replays.o.Events.Event(ctx, it.seq); err != nil {
			return nil, err
		}
	} else {
		d, err := p.replays.o.Events.DeadLetter(ctx, it.letter)
		if err != nil {
			return nil, err
		}
		if ev = d.Event; ev == nil || len(ev.Data) == 0 && ev.Object == "" {
			return nil, transport.ErrNotFound
		}
	}
	if ev.Customer != ep.Customer {
		return nil, transport.ErrNotFound // a log that was made anew under the plan
	}
	return &unit{customer: ep.Customer, endpoint: ep.ID, event: ev}, nil
}

// Takes tells whether deliveries are made, or kept, for an endpoint.
func Takes(ep *transport.Endpoint) bool { return ep.Enabled && ep.State != transport.StateDisabled }
