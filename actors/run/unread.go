package run

import (
	"sync"

	"github.com/postrider/postrider/matching"
)

// unreadFields are the fields of one detection that could not be read.
type unreadFields struct {
	seq    uint64
	fields matching.Unread
}

// fieldCount tells the observer of unread fields, each detection's at most once,
// however many runs read it.
type fieldCount struct {
	observer Observer
	mu       sync.Mutex
	through  uint64 // detections up to it were told
}

// note takes in what a chunk of detections had.
func (c *fieldCount) note(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range t.fields {
		if u.seq > c.through {
			for field := range u.fields.Fields {
				c.observer.DetectionFieldUnread(field)
			}
		}
	}
	if n := len(t.raws); n > 0 {
		c.through = max(c.through, t.raws[n-1].Seq)
	}
}
