package api

import (
	"context"
	"time"

	"github.com/postrider/postrider/transport"
)

// tellDeliveries writes what the feed has.
func (st *stream) tellDeliveries() bool {
	rows, more := st.feed.Take()
	return st.part(streamDeliveries, st.idNow(), st.items(rows), more)
}

// idNow is the line by which a stream is taken up again later. What the journal
// brings is up to some moments old, so it lies that far back.
func (st *stream) idNow() string {
	return "id: " + st.server.Now().UTC().Add(-flushEvery-seenEvery).Format(time.RFC3339Nano) + "\n"
}

func (st *stream) items(rows []transport.LoggedDelivery) (items []any) {
	for i := range rows {
		if st.who.sees(rows[i].Customer) {
			items = append(items, deliveryItem(&rows[i]))
		}
	}
	return items
}

// resume writes the newest of what changed since the id that was given, and
// counts the rest of the log's first page.
func (st *stream) resume(ctx context.Context) bool {
	f := st.filter
	f.Limit = transport.MaxDeliveries
	page, err := st.server.Deliveries.List(ctx, f)
	if err != nil {
		return true // the log is not read yet: what changes is told from now on
	}
	var rows []transport.LoggedDelivery
	more := uint64(0)
	for i := range page.Deliveries {
		switch {
		case page.Deliveries[i].Changed.Before(st.since):
		case len(rows) == transport.MaxFeedRows:
			more++
		default:
			rows = append(rows, page.Deliveries[i])
		}
	}
	return st.part(streamDeliveries, st.idNow(), st.items(rows), more)
}

// tellRuns writes the runs that ended.
func (st *stream) tellRuns() bool {
	items, more := st.runs.take()
	return st.part(streamRuns, "", items, more)
}

// tellSeen writes what changed of endpoints and replays.
func (st *stream) tellSeen(ctx context.Context) bool {
	var changed map[string][]any
	if changed, st.seen = st.server.streams.changed(ctx, st, st.seen); len(changed) == 0 {
		return true
	}
	for _, kind := range []string{streamEndpoints, streamReplays} {
		items := changed[kind]
		shown := items[:min(len(items), transport.MaxFeedRows)]
		if !st.part(kind, "", shown, uint64(len(items)-len(shown))) {
			return false
		}
	}
	return true
}
