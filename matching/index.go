package matching

import (
	"slices"
	"strings"
	"sync"
)

// Index finds the alerts that match a detection. It may be read and changed at
// the same time; a change holds up readers for some microseconds, whatever the
// number of alerts.
//
// An alert is kept under keys of its rarest criterion. A detection's own keys
// lead to candidates, a superset of what matches, and each is checked exactly.
type Index struct {
	mu       sync.RWMutex
	alerts   chunks[compiled]
	slots    map[string]uint32 // by the alert's id
	postings postings
}

// Hit is an alert that matches the detection.
type Hit struct {
	Alert *Alert
	// DeepSearch is the text that the alert's deep_search found.
	DeepSearch string
}

// NewIndex makes an index without alerts.
func NewIndex() *Index {
	return &Index{slots: map[string]uint32{}}
}

// Put adds an alert, or replaces the one of the same ID; one that is not active
// is taken out. The index keeps a, which must not change any more. The error
// is a *FieldError, and leaves the index as it was.
func (x *Index) Put(a *Alert) error {
	if a.ID == "" {
		return wrong("id", "", "is missing; an index tells alerts apart by it")
	}
	c, err := compileSaved(a)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(a.ID)
	if !a.IsActive {
		return nil
	}
	slot := x.alerts.take()
	x.slots[a.ID] = slot
	var room [fields]*criterion
	for _, criterion := range c.indexed(room[:0]) {
		c.first = x.insert(criterion, slot, c.first)
	}
	*x.alerts.at(slot) = c
	return nil
}

// Remove takes the alert out, and tells whether it was there.
func (x *Index) Remove(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.remove(id)
}

// Len is the number of active alerts.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.slots)
}

func (x *Index) remove(id string) bool {
	slot, found := x.slots[id]
	if !found {
		return false
	}
	delete(x.slots, id)
	x.postings.unlink(x.alerts.at(slot).first)
	x.alerts.give(slot)
	return true
}

// Match appends a hit for each alert that matches the detection in p, in order
// of ID, each once. keep, if not nil, is asked for each candidate before the
// exact check; it must not call the index.
func (x *Index) Match(dst []Hit, p *Probe, keep func(*Alert) bool) []Hit {
	start := len(dst)
	p.round++
	s := search{Index: x, Probe: p, keep: keep, hits: dst}
	x.mu.RLock()
	s.exact()
	s.byParts()
	s.byWords()
	x.mu.RUnlock()
	found := s.hits[start:]
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b Hit) int { return strings.Compare(a.Alert.ID, b.Alert.ID) })
		found = slices.CompactFunc(found, func(a, b Hit) bool { return a.Alert == b.Alert })
	}
	return s.hits[:start+len(found)]
}

// Scan is Match without the index: every alert is checked. It is what the index
// is measured against.
func (x *Index) Scan(dst []Hit, p *Probe) []Hit {
	start := len(dst)
	s := search{Index: x, Probe: p, hits: dst}
	x.mu.RLock()
	for slot := uint32(1); slot <= x.alerts.used; slot++ {
		s.try(slot)
	}
	x.mu.RUnlock()
	slices.SortFunc(s.hits[start:], func(a, b Hit) int { return strings.Compare(a.Alert.ID, b.Alert.ID) })
	return s.hits
}
