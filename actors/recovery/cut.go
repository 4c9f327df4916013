package recovery

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Together is how far apart the times may be at which entries of one segment
// are to come back, where they may not be later: it comes back with the latest of
// them.
const Together = 50 * time.Millisecond

// Cutter cuts what is parked for one endpoint into segments, and names them.
type Cutter struct {
	prefix string
	n      uint64
}

// NewCutter gives a Cutter whose names begin with prefix, which no other may
// have; letters, digits and underscores.
func NewCutter(prefix string) *Cutter { return &Cutter{prefix: prefix} }

// Cut puts entries of one endpoint into segments. Of a pair that is there twice
// the higher hop is kept, and stands for both.
func (c *Cutter) Cut(entries []transport.Parking) []transport.Cut {
	one := cutting{entries: entries, twins: map[int][]int{}}
	order := one.higherHops()
	slices.SortStableFunc(order, one.byWake)
	var cuts []transport.Cut
	for len(order) > 0 {
		n := one.reach(order)
		cut := one.segment(order[:n:n])
		c.n++
		cut.Segment.Name = c.prefix + strconv.FormatUint(c.n, 10)
		cuts, order = append(cuts, cut), order[n:]
	}
	return cuts
}

// cutting is one call of Cut; entries are told by their places.
type cutting struct {
	entries []transport.Parking
	twins   map[int][]int // of the higher hop: those that it stands for
}

// higherHops are the entries in the order of their pairs, each pair once.
func (c *cutting) higherHops() []int {
	order := make([]int, len(c.entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, c.byPlace)
	kept := order[:0]
	for _, i := range order {
		if n := len(kept); n > 0 && c.entries[kept[n-1]].Place == c.entries[i].Place {
			was := kept[n-1]
			c.twins[i] = append(append(c.twins[i], c.twins[was]...), was)
			kept = kept[:n-1]
		}
		kept = append(kept, i)
	}
	return kept
}

func (c *cutting) byPlace(i, j int) int {
	a, b := &c.entries[i], &c.entries[j]
	return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.Hop, b.Hop))
}

// byWake puts those that wait for room alone first, and of these and the others
// those first that refer to the log.
func (c *cutting) byWake(i, j int) int {
	a, b := &c.entries[i], &c.entries[j]
	return cmp.Or(trueFirst(a.Ready, b.Ready), trueFirst(a.Refers, b.Refers), a.Wake.Compare(b.Wake))
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// reach is how many from the first on go into one segment.
func (c *cutting) reach(order []int) (n int) {
	first, bytes := &c.entries[order[0]], 0
	latest := c.latest(order[0])
	for n < len(order) && n < transport.MaxSegmentEntries {
		e := &c.entries[order[n]]
		bytes += e.Bytes
		if e.Ready != first.Ready || e.Refers != first.Refers || e.Wake.After(latest) || n > 0 && bytes > transport.MaxSegmentBytes {
			break
		}
		if l := c.latest(order[n]); l.Before(latest) {
			latest = l
		}
		n++
	}
	return n
}

// latest is when an entry comes back at the latest.
func (c *cutting) latest(i int) time.Time {
	e := &c.entries[i]
	return e.Wake.Add(max(e.Late, Together))
}

func (c *cutting) segment(group []int) transport.Cut {
	slices.SortStableFunc(group, c.byPlace)
	first, last := &c.entries[group[0]], &c.entries[group[len(group)-1]]
	cut := transport.Cut{Entries: group, Covers: group, Segment: transport.ParkedSegment{
		First: first.Place, Hop: first.Hop, Ready: first.Ready, Refers: first.Refers, Entries: len(group), Counted: true}}
	if first.Refers {
		cut.Segment.Low = first.Seq
	}
	for _, i := range group {
		e := &c.entries[i]
		cut.Segment.Bytes += int64(e.Size)
		cut.Segment.Low = min(cut.Segment.Low, e.Seq)
		if e.Wake.After(cut.Wake) {
			cut.Wake = e.Wake
		}
		if twins := c.twins[i]; len(twins) > 0 {
			cut.Covers = append(slices.Clip(cut.Covers), twins...)
		}
	}
	if len(group) > 1 && first.Replay == last.Replay {
		cut.Segment.Span, cut.Segment.Spanned = last.Seq-first.Seq, true
	}
	return cut
}
