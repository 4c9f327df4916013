package eventlog

import (
	"sync"

	"github.com/postrider/postrider/transport"
)

const (
	// mostFound bounds what is kept of events that were looked for, in bytes, and
	// largestFound each.
	mostFound    = 8 << 20
	largestFound = 256 << 10
)

// found are the events that were looked for last: many endpoints may wait for the
// same ones, for the same time.
type found struct {
	mu     sync.Mutex
	events map[uint64]*transport.Event
	order  []uint64
	bytes  int
}

func (f *found) get(seq uint64) *transport.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events[seq]
}

func (f *found) put(ev *transport.Event) {
	if ev.Size() > largestFound {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.events == nil {
		f.events = map[uint64]*transport.Event{}
	}
	if was := f.events[ev.Seq]; was != nil {
		f.bytes += ev.Size() - was.Size()
	} else {
		f.order, f.bytes = append(f.order, ev.Seq), f.bytes+ev.Size()
	}
	f.events[ev.Seq] = ev
	for f.bytes > mostFound {
		oldest := f.order[0]
		f.bytes -= f.events[oldest].Size()
		delete(f.events, oldest)
		f.order = f.order[1:]
	}
}
