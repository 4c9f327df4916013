package log

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// query is a filter made ready for one table.
type query struct {
	who, typ choice
	id       []byte
	outcomes outcomes
	from, to int64
	limit    int
	// The page begins behind this row, where begun.
	begun bool
	at    place
	sub   uint32
}

const usualLimit = 100

// check gives what of a filter needs no table. Errors are *transport.FieldError.
func check(f *transport.DeliveryFilter) (*query, error) {
	q := &query{id: []byte(f.EventID), from: math.MinInt64, to: math.MaxInt64, limit: f.Limit}
	if err := q.outcomes.choose(f.Outcomes); err != nil {
		return nil, err
	}
	if q.limit == 0 {
		q.limit = usualLimit
	}
	if q.limit < 1 || q.limit > transport.MaxDeliveries {
		return nil, &transport.FieldError{Field: "limit", Message: fmt.Sprintf("not between 1 and %d", transport.MaxDeliveries)}
	}
	if f.EventType != "" {
		if err := transport.CheckPattern(f.EventType); err != nil {
			return nil, &transport.FieldError{Field: "type", Value: f.EventType, Message: "not a type or a pattern such as access.>"}
		}
	}
	if !f.From.IsZero() {
		q.from = ceilMillis(f.From)
	}
	if !f.To.IsZero() {
		q.to = ceilMillis(f.To)
	}
	return q, q.begin(f.Cursor)
}

// ceilMillis keeps bounds between milliseconds right for times cut to them.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

// The cursor of a page is where the journal told of its last delivery first, so
// it holds whatever is dropped, and when the index is built again.
func cursor(c *chunk, i int) string {
	return strconv.FormatUint(c.born[i], 36) + "." + strconv.FormatUint(uint64(c.sub[i]), 36)
}

func (q *query) begin(cursor string) error {
	if cursor == "" {
		return nil
	}
	at, sub, _ := strings.Cut(cursor, ".")
	a, err1 := strconv.ParseUint(at, 36, 64)
	s, err2 := strconv.ParseUint(sub, 36, 32)
	if err1 != nil || err2 != nil {
		return &transport.FieldError{Field: "cursor", Message: "not one of ours; give that of the page before, or leave it out"}
	}
	q.begun, q.at, q.sub = true, place(a), uint32(s)
	return nil
}

// choose looks up the filter's texts in the table's names.
func (q *query) choose(t *table, f *transport.DeliveryFilter) {
	if f.Customer != "" || f.Endpoint != "" {
		q.who = t.parties.choose(func(p party) bool {
			return (f.Customer == "" || f.Customer == p.customer) && (f.Endpoint == "" || f.Endpoint == p.endpoint)
		})
	} else {
		q.who = t.parties.choose(nil)
	}
	q.typ = t.types.choose(nil)
	if f.EventType != "" {
		q.typ = t.types.choose(func(typ string) bool { return transport.MatchType(f.EventType, typ) })
	}
}

// search calls found for rows that match, newest first, until it says enough.
func (q *query) search(ctx context.Context, t *table, found func(c *chunk, i int) (more bool)) error {
	if q.who.none || q.typ.none {
		return nil
	}
	for which := range t.shelves {
		chunks := t.shelves[which].chunks
		for n := len(chunks) - 1; n >= 0; n-- {
			if err := ctx.Err(); err != nil {
				return err
			}
			c := chunks[n]
			if q.passes(c) {
				continue
			}
			if !q.searchChunk(c, found) {
				return nil
			}
		}
	}
	return nil
}

// passes tells at a glance that no row of c can match.
func (q *query) passes(c *chunk) bool {
	return c.last < q.from || c.first >= q.to ||
		q.begun && !c.follows(0, q.at, q.sub) ||
		len(q.id) > 0 && !bytes.Contains(c.ids, q.id)
}

func (q *query) searchChunk(c *chunk, found func(*chunk, int) bool) bool {
	for i := c.n - 1; i >= 0; i-- {
		if q.matches(c, i) && !found(c, i) {
			return false
		}
	}
	return true
}

// matches asks first what tells most rows apart.
func (q *query) matches(c *chunk, i int) bool {
	return q.who.has(c.who[i]) &&
		q.outcomes.has(c, i) &&
		q.typ.has(c.typ[i]) &&
		c.since[i] >= q.from && c.since[i] < q.to &&
		(len(q.id) == 0 || bytes.Equal(q.id, c.eventID(i))) &&
		(!q.begun || c.follows(i, q.at, q.sub))
}

// page gives one page of what f asks for.
func (t *table) page(ctx context.Context, f *transport.DeliveryFilter) (*transport.DeliveryPage, error) {
	q, err := check(f)
	if err != nil {
		return nil, err
	}
	q.choose(t, f)
	page, next := &transport.DeliveryPage{}, ""
	err = q.search(ctx, t, func(c *chunk, i int) bool {
		if len(page.Deliveries) == q.limit {
			page.Next = next
			return false
		}
		page.Deliveries = append(page.Deliveries, t.delivery(c, i))
		next = cursor(c, i)
		return true
	})
	if err == nil && f.Total {
		err = q.total(ctx, t, page)
	}
	return page, err
}

// total counts what the filter chooses, on whatever page.
func (q *query) total(ctx context.Context, t *table, page *transport.DeliveryPage) error {
	all := *q
	all.begun = false
	return all.search(ctx, t, func(*chunk, int) bool {
		if page.More = page.Total == transport.MaxTotal; !page.More {
			page.Total++
		}
		return !page.More
	})
}

// delivery is row i without its records.
func (t *table) delivery(c *chunk, i int) transport.LoggedDelivery {
	p := t.parties.values[c.who[i]]
	at := func(ms uint32) time.Time { return time.UnixMilli(c.since[i] + int64(ms)).UTC() }
	d := transport.LoggedDelivery{
		Pair:     transport.Pair{Seq: c.seq[i], Endpoint: p.endpoint, Replay: c.replays[uint16(i)]},
		Customer: p.customer, EventID: string(c.eventID(i)), EventType: t.types.values[c.typ[i]],
		State: transport.DeliveryState(c.state[i]), Reason: t.reasons.values[c.reason[i]],
		Since: at(0), Changed: at(c.change[i]), Attempts: int(c.tries[i]), Status: int(c.status[i]), Class: transport.Class(c.class[i]),
	}
	if c.next[i] != 0 {
		d.NextAt = at(c.next[i])
	}
	return d
}

// lookup gives the row of a delivery, whoever its customer is.
func (t *table) lookup(p transport.Pair) ref {
	for who, party := range t.parties.values {
		if party.endpoint == p.Endpoint && t.parties.uses[who] > 0 {
			if r := t.find(p.Seq, p.Replay, uint32(who)); r != noRef {
				return r
			}
		}
	}
	return noRef
}
