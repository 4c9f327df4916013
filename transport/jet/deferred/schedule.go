package deferred

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const scheduleAt = "@at "

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
	return time.Parse(scheduleAt+time.RFC3339Nano, h.Get(jet.HeaderSchedule))
}

// segmentParcel makes the schedule message of one segment: what cut makes of
// items.
func (s *Store) segmentParcel(customer string, items []item, cut *transport.Cut, skew time.Duration) *jet.Parcel {
	msg := nats.NewMsg(s.parkSubject(&cut.Segment))
	msg.Header.Set(jet.HeaderSchedule, scheduleText(cut.Wake, skew))
	msg.Header.Set(jet.HeaderTarget, s.dueSubject(&cut.Segment))
	msg.Header.Set(headerSegment, cut.Segment.Name)
	msg.Data = messageOf(customer, items, cut)
	p := &jet.Parcel{Msg: msg}
	for _, i := range cut.Entries {
		if items[i].object != "" {
			p.Objects = append(p.Objects, jet.Object{Name: items[i].object, Data: items[i].data})
		}
	}
	for _, i := range cut.Covers {
		p.Waiters = append(p.Waiters, items[i].waiters...)
	}
	return p
}

// messageOf is the segment message of what cut makes of items.
func messageOf(customer string, items []item, cut *transport.Cut) []byte {
	endpoint := cut.Segment.Endpoint
	if cut.Segment.Refers {
		msg := appendPreamble(make([]byte, 0, 256+referenceRoom*len(cut.Entries)), referencesVersion, customer, endpoint, cut.Wake)
		return appendReferences(msg, items, cut.Entries)
	}
	size := 256
	for _, i := range cut.Entries {
		size += len(items[i].encoded)
	}
	msg := appendPreamble(make([]byte, 0, size), segmentVersion, customer, endpoint, cut.Wake)
	for _, i := range cut.Entries {
		msg = append(msg, items[i].encoded...)
	}
	return msg
}
