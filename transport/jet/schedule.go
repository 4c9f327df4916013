package jet

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Headers that make a message a schedule. WithScheduleAt cuts to whole
// seconds and would fire early, so the header is written here.
const (
	headerSchedule = "Nats-Schedule"
	headerTarget   = "Nats-Schedule-Target"
	headerMsgID    = jetstream.MsgIDHeader

	scheduleAt = "@at "
)

// Headers of ours that what fires keeps.
const (
	// headerSegment names a segment: a schedule that fires twice shows by it.
	headerSegment = "Postrider-Segment"
	// headerRecalled marks what was brought back before its time.
	headerRecalled = "Postrider-Recalled"
)

// scheduleText is the schedule of what comes back at wake, by a server whose
// clock is ahead by skew. The server takes the zero time for no schedule at all.
func scheduleText(wake time.Time, skew time.Duration) string {
	if wake.Unix() <= 0 {
		wake = time.Unix(1, 0)
	} else {
		wake = wake.Add(skew)
	}
	return scheduleAt + wake.UTC().Format(time.RFC3339Nano)
}

// scheduledFor is when a message of park.> fires, by the server's clock.
func scheduledFor(h nats.Header) (time.Time, error) {
	return time.Parse(scheduleAt+time.RFC3339Nano, h.Get(headerSchedule))
}

// segmentParcel makes the schedule message of one segment: what cut makes of
// items.
func segmentParcel(customer string, items []item, cut *transport.Cut, skew time.Duration) *parcel {
	msg := nats.NewMsg(parkSubject(&cut.Segment))
	msg.Header.Set(headerSchedule, scheduleText(cut.Wake, skew))
	msg.Header.Set(headerTarget, dueSubject(&cut.Segment))
	msg.Header.Set(headerSegment, cut.Segment.Name)
	p := &parcel{msg: msg}
	size := 256
	for _, i := range cut.Entries {
		size += len(items[i].encoded)
	}
	msg.Data = appendPreamble(make([]byte, 0, size), customer, cut.Segment.Endpoint, cut.Wake)
	for _, i := range cut.Entries {
		msg.Data = append(msg.Data, items[i].encoded...)
		if items[i].object != "" {
			p.objects = append(p.objects, object{items[i].object, items[i].data})
		}
	}
	for _, i := range cut.Covers {
		p.waiters = append(p.waiters, items[i].waiters...)
	}
	return p
}
