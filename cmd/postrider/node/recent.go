package node

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// eventLog is the log of events as the API asks for it.
type eventLog struct {
	events
	now func() time.Time
}

// events is the log. jet.Store is one.
type events interface {
	Event(ctx context.Context, seq uint64) (*transport.Event, error)
	Replay(ctx context.Context, endpoint string, ev *transport.Event) (uint64, error)
	LastEvent(ctx context.Context) (uint64, error)
	EventsOf(ctx context.Context, customer string, from, to uint64, each func(*transport.Event) (more bool)) error
}

const (
	// recentTime bounds the search for a customer's last events: who publishes
	// little among many is found no further back than that.
	recentTime = 2 * time.Second
	// recentBytes bounds what they take together.
	recentBytes = 16 << 20
)

// Recent gives a customer's last events, newest first: most of them, or fewer
// where there are no more, or no more were found in time.
func (l eventLog) Recent(ctx context.Context, customer string, most int) ([]*transport.Event, error) {
	last, err := l.LastEvent(ctx)
	if err != nil {
		return nil, err
	}
	end := l.now().Add(recentTime)
	var found []*transport.Event
	bytes := 0
	// The log is read forwards only, so ever longer parts before what was read
	// are looked at, until one has enough.
	for to, span := last, uint64(4*most); to > 0 && len(found) < most && bytes < recentBytes && l.now().Before(end); span *= 4 {
		from := to - min(span, to) + 1
		var part []*transport.Event
		err := l.EventsOf(ctx, customer, from, to, func(ev *transport.Event) bool {
			part = append(part, ev)
			if bytes += len(ev.Data); len(part) > most || bytes > recentBytes {
				bytes -= len(part[0].Data)
				part = part[1:]
			}
			return ctx.Err() == nil
		})
		if err != nil {
			return nil, err
		}
		slices.Reverse(part)
		found = append(found, part...)
		to = from - 1
	}
	return found[:min(len(found), most)], nil
}
