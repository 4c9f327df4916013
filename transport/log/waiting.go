package log

import (
	"context"
	"time"

	"github.com/postrider/postrider/transport"
)

// Waiting tells of each of these endpoints that is owed something how long it
// waits. Like Series it looks at each row once, and keeps nothing.
func (x *Index) Waiting(ctx context.Context, endpoints []string) (map[string]transport.WaitingSpan, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.ready(); err != nil {
		return nil, err
	}
	return x.table.waiting(ctx, endpoints)
}

func (t *table) waiting(ctx context.Context, endpoints []string) (map[string]transport.WaitingSpan, error) {
	asked := make(map[string]bool, len(endpoints))
	for _, id := range endpoints {
		asked[id] = true
	}
	who := t.parties.choose(func(p party) bool { return asked[p.endpoint] })
	found := map[string]transport.WaitingSpan{}
	if who.none {
		return found, nil
	}
	for which := range t.shelves {
		for _, c := range t.shelves[which].chunks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for i := range c.n {
				if transport.DeliveryState(c.state[i]).Settled() || !who.has(c.who[i]) {
					continue
				}
				id := t.parties.values[c.who[i]].endpoint
				found[id] = earlier(found[id], c, i)
			}
		}
	}
	return found, nil
}

// earlier is w with row i of c.
func earlier(w transport.WaitingSpan, c *chunk, i int) transport.WaitingSpan {
	at := func(ms uint32) time.Time { return time.UnixMilli(c.since[i] + int64(ms)).UTC() }
	if since := at(0); w.Oldest.IsZero() || since.Before(w.Oldest) {
		w.Oldest = since
	}
	if next := at(c.next[i]); c.next[i] != 0 && (w.Next.IsZero() || next.Before(w.Next)) {
		w.Next = next
	}
	return w
}
