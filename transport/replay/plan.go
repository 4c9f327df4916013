package replay

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/transport"
)

// item is one delivery to replay: an event of the log, or of a dead letter.
type item struct {
	seq      uint64
	letter   uint64 // 0: the event is taken from the log
	endpoint string
}

// plan finds what a wish chooses, oldest event first: each pair of event and
// endpoint once, however often it was delivered or given up.
func (r *Replays) plan(ctx context.Context, w *transport.ReplayWish) (items []item, err error) {
	switch w.Source {
	case transport.ReplayDeliveries:
		items, err = r.planDeliveries(ctx, w)
	case transport.ReplayLetters:
		items, err = r.planLetters(ctx, w)
	default:
		err = &transport.FieldError{Field: "source", Message: "neither deliveries nor deadletters"}
	}
	if err != nil {
		return nil, err
	}
	// Of several letters of a pair the youngest has the latest event data; all have the same.
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(b.letter, a.letter))
	})
	return slices.CompactFunc(items, func(a, b item) bool { return a.seq == b.seq && a.endpoint == b.endpoint }), nil
}

// planDeliveries takes deliveries that have an outcome: the others are still
// on their way.
func (r *Replays) planDeliveries(ctx context.Context, w *transport.ReplayWish) ([]item, error) {
	f := transport.DeliveryFilter{Customer: w.Customer, Endpoint: w.Endpoint, EventID: w.EventID, EventType: w.EventType,
		From: w.From, To: w.To, Limit: transport.MaxDeliveries}
	if w.Status != "" {
		if err := f.SetStatus(w.Status); err != nil {
			return nil, err
		}
	}
	for _, o := range f.Outcomes {
		if o.State == 0 || o.State.Settled() {
			continue
		}
		return nil, &transport.FieldError{Field: "status", Value: w.Status,
			Message: "deliveries that are " + o.State.String() + " have no outcome yet and will come by themselves; choose delivered, dead_lettered or skipped"}
	}
	var items []item
	for {
		page, err := r.o.Deliveries.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page.Deliveries {
			if d := &page.Deliveries[i]; d.Endpoint != "" && d.State.Settled() {
				items = append(items, item{seq: d.Seq, endpoint: d.Endpoint})
			}
		}
		if len(items) > transport.MaxReplay {
			return nil, tooMany()
		}
		if page.Next == "" {
			return items, nil
		}
		f.Cursor = page.Next
	}
}

func tooMany() error {
	return &transport.FieldError{Field: "from", Message: fmt.Sprintf(
		"over %d deliveries fit; narrow the filter, for example by from and to", transport.MaxReplay)}
}

func (r *Replays) planLetters(ctx context.Context, w *transport.ReplayWish) ([]item, error) {
	f := transport.LetterFilter{Customer: w.Customer, Endpoint: w.Endpoint, Reason: w.Reason, From: w.From, To: w.To, Limit: 500}
	var items []item
	for {
		page, next, err := r.o.Events.DeadLetters(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range page {
			if d := &page[i]; d.Endpoint != "" && d.Event != nil {
				items = append(items, item{seq: d.Event.Seq, letter: d.ID, endpoint: d.Endpoint})
			}
		}
		if len(items) > transport.MaxReplay {
			return nil, tooMany()
		}
		if next == 0 {
			return items, nil
		}
		f.Before = next
	}
}

// A plan is kept in parts: a version byte, the endpoints' ids, and for each
// item its sequence and letter as differences, and its endpoint's number.
const (
	planVersion = 1
	planPart    = 20_000
)

func planKey(id string, part uint64) string { return fmt.Sprintf("%s%s%d", id, planInfix, part) }

func (r *Replays) keepPlan(ctx context.Context, id string, items []item) error {
	part := uint64(0)
	for few := range slices.Chunk(items, planPart) {
		if err := r.o.Records.Keep(ctx, planKey(id, part), encodePlan(few)); err != nil {
			return err
		}
		part++
	}
	return nil
}

func encodePlan(items []item) []byte {
	numbers, ids := map[string]uint64{}, []string(nil)
	for _, it := range items {
		if _, known := numbers[it.endpoint]; !known {
			numbers[it.endpoint] = uint64(len(ids))
			ids = append(ids, it.endpoint)
		}
	}
	out := binary.AppendUvarint([]byte{planVersion}, uint64(len(ids)))
	for _, id := range ids {
		out = append(binary.AppendUvarint(out, uint64(len(id))), id...)
	}
	var last item
	for _, it := range items {
		out = binary.AppendUvarint(out, it.seq-last.seq)
		out = binary.AppendVarint(out, int64(it.letter-last.letter))
		out = binary.AppendUvarint(out, numbers[it.endpoint])
		last = it
	}
	return out
}

var errPlan = errors.New("the replay's plan cannot be read")

func decodePlan(b []byte) ([]item, error) {
	if len(b) == 0 || b[0] != planVersion {
		return nil, errPlan
	}
	d := planReader{rest: b[1:]}
	var ids []string
	for range d.length() {
		n := d.length()
		ids = append(ids, string(d.rest[:n]))
		d.rest = d.rest[n:]
	}
	var items []item
	var last item
	for len(d.rest) > 0 && !d.bad {
		last.seq += d.number()
		last.letter += uint64(d.difference())
		n := d.number()
		if d.bad || n >= uint64(len(ids)) {
			return nil, errPlan
		}
		last.endpoint = ids[n]
		items = append(items, last)
	}
	if d.bad {
		return nil, errPlan
	}
	return items, nil
}

// planReader cuts numbers off; what is broken reads as zeros.
type planReader struct {
	rest []byte
	bad  bool
}

func (d *planReader) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	return v * d.took(n)
}

func (d *planReader) difference() int64 {
	v, n := binary.Varint(d.rest)
	return v * int64(d.took(n))
}

func (d *planReader) took(n int) uint64 {
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return 1
}

// length is a number that is no more than what is left.
func (d *planReader) length() uint64 {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return 0
	}
	return n
}
