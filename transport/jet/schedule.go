package jet

import (
	"cmp"
	"slices"
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

// segments cuts items into groups of one kind that come back within collectWait
// of each other and fit into a segment, each in the order they go in. Of a pair
// that is there twice the higher hop is kept, and tells both waiters.
func segments(items []item) [][]item {
	slices.SortStableFunc(items, comparePairs)
	items = dropLower(items)
	slices.SortStableFunc(items, compareWakes)
	var groups [][]item
	for from := 0; from < len(items); {
		to, bytes := from, 0
		for to < len(items) && to-from < transport.MaxSegmentEntries && items[to].ready == items[from].ready &&
			items[to].wake.Sub(items[from].wake) <= collectWait &&
			(to == from || bytes+len(items[to].encoded) <= transport.MaxSegmentBytes) {
			bytes += len(items[to].encoded)
			to++
		}
		groups = append(groups, items[from:to:to])
		from = to
	}
	return groups
}

func comparePairs(a, b item) int {
	return cmp.Or(comparePlaces(a.place(), b.place()), cmp.Compare(a.hop, b.hop))
}

func compareWakes(a, b item) int {
	if a.ready != b.ready {
		if a.ready {
			return -1
		}
		return 1
	}
	return a.wake.Compare(b.wake)
}

func dropLower(sorted []item) []item {
	kept := sorted[:0]
	for _, it := range sorted {
		if n := len(kept); n > 0 && kept[n-1].place() == it.place() {
			it.waiters = append(it.waiters, kept[n-1].waiters...)
			kept = kept[:n-1]
		}
		kept = append(kept, it)
	}
	return kept
}

// segmentParcel makes the schedule message of one segment.
func segmentParcel(customer, endpoint string, group []item, id string, skew time.Duration) *parcel {
	wake := slices.MaxFunc(group, func(a, b item) int { return a.wake.Compare(b.wake) }).wake
	slices.SortStableFunc(group, comparePairs)
	name := parkedOf(endpoint, id, group)
	msg := nats.NewMsg(name.parkSubject())
	msg.Header.Set(headerSchedule, scheduleText(wake, skew))
	msg.Header.Set(headerTarget, name.dueSubject())
	msg.Header.Set(headerSegment, id)
	p := &parcel{msg: msg}
	size := 256
	for i := range group {
		size += len(group[i].encoded)
	}
	msg.Data = appendPreamble(make([]byte, 0, size), customer, endpoint, wake)
	for i := range group {
		msg.Data = append(msg.Data, group[i].encoded...)
		p.waiters = append(p.waiters, group[i].waiters...)
		if group[i].object != "" {
			p.objects = append(p.objects, object{group[i].object, group[i].data})
		}
	}
	return p
}
