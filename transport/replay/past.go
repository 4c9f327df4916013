package replay

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

// prepare makes the job's source.
func (j *job) prepare(ctx context.Context) error {
	if j.rec.Source != transport.ReplayPast {
		j.source = &planned{replays: j.replays, id: j.rec.ID, total: j.rec.Total}
		return nil
	}
	if j.rec.Last == 0 {
		if err := j.bound(ctx); err != nil {
			return err
		}
	}
	if err := j.sleep(ctx, logLag); err != nil { // so that the log knows what was routed live
		return err
	}
	j.source = &past{replays: j.replays, endpoint: j.rec.Endpoint, customer: j.rec.Customer, last: j.rec.Last}
	return j.awaitLog(ctx)
}

// farAhead is further than any two clocks are apart.
const farAhead = 365 * 24 * time.Hour

// bound finds the last event that may have been routed without the endpoint:
// what comes after it is routed live. Up to it, what the log says was routed
// live is left out, whichever came first.
func (j *job) bound(ctx context.Context) error {
	if j.again {
		if _, there := j.replays.o.Registry.Endpoint(j.rec.Endpoint); !there {
			return errCancelled // the node stopped before the endpoint was stored
		}
	} else {
		revision, err := j.awaitEndpoint(ctx)
		if err != nil {
			return err
		}
		if _, err := j.persist(ctx, func(ctx context.Context) (bool, error) {
			return true, j.replays.o.Registry.WaitApplied(ctx, revision)
		}); err != nil {
			return err
		}
	}
	var last uint64
	_, err := j.persist(ctx, func(ctx context.Context) (bool, error) {
		after, err := j.replays.o.Events.EventAt(ctx, j.replays.o.Now().Add(farAhead)) // the log's end, whatever its clock says
		last = after - 1
		return true, err
	})
	for err == nil && j.replays.o.Routed() < last {
		err = j.sleep(ctx, routedEvery)
	}
	if err != nil {
		return err
	}
	j.update(func(rec *record) {
		rec.Last, rec.Detail = last, ""
		rec.Total = max(last+1, rec.First) - rec.First
	})
	return nil
}

// notBegun is how long Begin is waited for, well over what a creation may take:
// then what stored the endpoint was not answered.
const notBegun = 5 * time.Minute

// awaitEndpoint gives the revision that Begin was called with, or that of an
// endpoint whose creation was not answered. Where there is none, it was not stored.
func (j *job) awaitEndpoint(ctx context.Context) (revision uint64, err error) {
	late := time.NewTimer(notBegun)
	defer late.Stop()
	select {
	case <-j.begun:
		return j.revision, nil
	case <-late.C:
		if ep, there := j.replays.o.Registry.Endpoint(j.rec.Endpoint); there {
			return ep.Revision, nil
		}
		return 0, errCancelled
	case <-j.cancelled:
		return 0, errCancelled
	case <-ctx.Done():
		return 0, errStopped
	}
}

// past goes through the log's events for an endpoint that came later.
type past struct {
	replays            *Replays
	endpoint, customer string
	last               uint64

	revision uint64
	filter   *payload.Filter // as of revision; nil: none
}

// mostLooked bounds the events of a step, wanted or not.
const mostLooked = 4096

func (p *past) gather(ctx context.Context, from uint64, most int) (*found, error) {
	f := &found{next: from}
	if from > p.last {
		return f, nil
	}
	ep, there := p.replays.o.Registry.Endpoint(p.endpoint)
	if !there || !Takes(ep) {
		f.next = p.last + 1
		f.skipped = f.next - from
		return f, nil
	}
	if err := p.compile(ep); err != nil {
		return nil, err
	}
	looked, full := 0, false
	f.next = p.last + 1
	err := p.replays.o.Events.EventsOf(ctx, p.customer, from, p.last, func(ev *transport.Event) bool {
		if full = looked == mostLooked || len(f.units) == most || f.bytes >= stepBytes; full {
			f.next = ev.Seq
			return false
		}
		looked++
		if p.wants(ep, ev) {
			f.units = append(f.units, unit{customer: ep.Customer, endpoint: ep.ID, event: ev})
			f.bytes += len(ev.Data)
		}
		return true
	})
	f.skipped = f.next - from - uint64(len(f.units))
	return f, err
}

// compile makes the filter anew where the endpoint has changed.
func (p *past) compile(ep *transport.Endpoint) (err error) {
	if p.revision == ep.Revision && p.revision != 0 {
		return nil
	}
	if p.filter = nil; ep.Filter != "" {
		p.filter, err = payload.NewFilter(ep.Filter)
	}
	p.revision = ep.Revision
	return err
}

// wants tells whether ep wants ev, and neither got it live nor was it skipped
// as a duplicate.
func (p *past) wants(ep *transport.Endpoint, ev *transport.Event) bool {
	if ev.Stored.Before(ep.From) || !slices.ContainsFunc(ep.Events, func(pattern string) bool {
		return transport.MatchType(pattern, ev.Type)
	}) {
		return false
	}
	if p.filter != nil {
		if wanted, err := p.filter.Match(payload.NewView(ev)); err != nil || !wanted {
			return false
		}
	}
	state := p.replays.o.Deliveries.State
	if _, err := state(transport.Pair{Seq: ev.Seq, Endpoint: ep.ID}); err == nil {
		return false
	}
	_, err := state(transport.Pair{Seq: ev.Seq})
	return err != nil
}
