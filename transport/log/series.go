package log

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Series counts deliveries by when they became owed. It looks at each row once
// or twice (some nanoseconds each) and keeps nothing. A wrong filter is a
// *transport.FieldError.
func (x *Index) Series(ctx context.Context, f transport.SeriesFilter) (*transport.DeliverySeries, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.ready(); err != nil {
		return nil, err
	}
	s, err := x.table.series(ctx, &f)
	if err != nil {
		return nil, err
	}
	s.CompleteFrom = x.completeFrom()
	return s, nil
}

// checkSeries gives how many steps there are.
func checkSeries(f *transport.SeriesFilter) (steps int, err error) {
	switch {
	case f.Step < time.Second:
		return 0, &transport.FieldError{Field: "step", Message: "under a second; give one such as 5m"}
	case f.From.IsZero() || !f.From.Before(f.To):
		return 0, &transport.FieldError{Field: "to", Message: "does not lie after from; swap them"}
	case !slices.Contains([]string{"", transport.ByEndpoint, transport.ByStatus, transport.ByType}, f.By):
		return 0, &transport.FieldError{Field: "by", Value: f.By, Message: "not endpoint, status or type; give one, or leave it out"}
	}
	if steps = f.Steps(); steps > transport.MaxSeriesSteps || steps <= 0 {
		return 0, &transport.FieldError{Field: "step", Message: fmt.Sprintf("too short for the time asked for: over %d steps; give a longer one", transport.MaxSeriesSteps)}
	}
	return steps, nil
}

func (t *table) series(ctx context.Context, f *transport.SeriesFilter) (*transport.DeliverySeries, error) {
	f.Cursor, f.Limit = "", 0
	steps, err := checkSeries(f)
	if err != nil {
		return nil, err
	}
	q, err := check(&f.DeliveryFilter)
	if err != nil {
		return nil, err
	}
	q.choose(t, &f.DeliveryFilter)
	q.among(t, f)
	out := &transport.DeliverySeries{}
	keys, err := t.keys(ctx, q, f.By, steps, out)
	if err != nil {
		return nil, err
	}
	sums := make([]sum, len(keys))
	for i := range sums {
		sums[i] = newSum(steps)
	}
	from, step := f.From.UnixMilli(), f.Step.Milliseconds()
	err = q.search(ctx, t, func(c *chunk, i int) bool {
		if k, wanted := keys[keyOf(f.By, c, i)]; wanted {
			sums[k].add(min(int((c.since[i]-from)/step), steps-1), c, i)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for key, k := range keys {
		sums[k].out.Key = t.keyText(f.By, key)
	}
	for i := range sums {
		out.Series = append(out.Series, sums[i].done())
	}
	slices.SortFunc(out.Series, func(a, b transport.Series) int {
		return cmp.Or(cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// among narrows the query to the endpoints that are named.
func (q *query) among(t *table, f *transport.SeriesFilter) {
	if len(f.Endpoints) == 0 {
		return
	}
	named := make(map[string]bool, len(f.Endpoints))
	for _, id := range f.Endpoints {
		named[id] = true
	}
	q.who = t.parties.choose(func(p party) bool {
		return named[p.endpoint] && (f.Customer == "" || f.Customer == p.customer) && (f.Endpoint == "" || f.Endpoint == p.endpoint)
	})
}

// keyOf is what row i is counted under.
func keyOf(by string, c *chunk, i int) uint32 {
	switch by {
	case transport.ByEndpoint:
		return c.who[i]
	case transport.ByType:
		return c.typ[i]
	case transport.ByStatus:
		return uint32(c.status[i])
	}
	return 0
}

func (t *table) keyText(by string, key uint32) string {
	switch by {
	case transport.ByEndpoint:
		return t.parties.values[key].endpoint
	case transport.ByType:
		return t.types.values[key]
	case transport.ByStatus:
		return strconv.Itoa(int(key))
	}
	return ""
}

// keys gives the series there are a place each: the largest, where there are
// more than fit. The one series of no key is always there.
func (t *table) keys(ctx context.Context, q *query, by string, steps int, out *transport.DeliverySeries) (map[uint32]int, error) {
	if by == "" {
		return map[uint32]int{0: 0}, nil
	}
	counts := map[uint32]uint32{}
	err := q.search(ctx, t, func(c *chunk, i int) bool {
		counts[keyOf(by, c, i)]++
		return true
	})
	if err != nil {
		return nil, err
	}
	all := make([]uint32, 0, len(counts))
	for key := range counts {
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	most := min(len(all), transport.MaxSeries, max(1, transport.MaxSeriesCells/steps))
	out.Others = len(all) - most
	keys := make(map[uint32]int, most)
	for i, key := range all[:most] {
		keys[key] = i
	}
	return keys, nil
}

// sum adds one series up.
type sum struct {
	out    transport.Series
	states [transport.StateSkipped + 1][]uint32
	took   []*latencies
}

func newSum(steps int) sum {
	s := sum{took: make([]*latencies, steps)}
	for i := range s.states {
		s.states[i] = make([]uint32, steps)
	}
	s.out = transport.Series{Waiting: s.states[transport.StateWaiting], Retrying: s.states[transport.StateRetrying],
		Delivered: s.states[transport.StateDelivered], DeadLettered: s.states[transport.StateDeadLettered],
		Skipped: s.states[transport.StateSkipped], P50: make([]time.Duration, steps), P99: make([]time.Duration, steps)}
	return s
}

func (s *sum) add(step int, c *chunk, i int) {
	state := min(transport.DeliveryState(c.state[i]), transport.StateSkipped)
	s.states[state][step]++
	if state != transport.StateDelivered {
		return
	}
	if s.took[step] == nil {
		s.took[step] = &latencies{}
	}
	s.took[step].add(c.change[i])
}

func (s *sum) done() transport.Series {
	for i, l := range s.took {
		if l != nil {
			s.out.P50[i], s.out.P99[i] = l.at(0.5), l.at(0.99)
		}
	}
	return s.out
}

// latencies counts milliseconds in cells an eighth to a sixteenth of their
// value wide.
type latencies struct {
	count uint32
	cells [240]uint32
}

func (l *latencies) add(ms uint32) {
	l.count++
	if ms < 16 {
		l.cells[ms]++
		return
	}
	e := bits.Len32(ms) - 4
	l.cells[8*e+int(ms>>e)]++
}

// at is the least value that a share of all do not exceed, to within a cell.
func (l *latencies) at(share float64) time.Duration {
	left := uint32(math.Ceil(share * float64(l.count)))
	for i, n := range l.cells {
		if left <= n {
			return cellEnd(i)
		}
		left -= n
	}
	return 0
}

// cellEnd is the greatest value of a cell.
func cellEnd(i int) time.Duration {
	if i < 16 {
		return time.Duration(i) * time.Millisecond
	}
	e := i/8 - 1
	return time.Duration(uint64(i-8*e+1)<<e-1) * time.Millisecond
}
