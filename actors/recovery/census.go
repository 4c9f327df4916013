package recovery

import (
	"hash/maphash"

	"github.com/postrider/postrider/transport"
)

// count adds what lies in DEFERRED to its endpoint's, but for the first parking
// of a replay, which is past any actor, so that nobody counts it back. Copies of
// one segment, whose schedule was fired twice, come back as one.
func (t *Taking) count(p *transport.ParkedSegment, messages uint64) {
	if !p.Counted {
		t.old = true
		return
	}
	if p.First.Replay != 0 && p.Hop == 1 {
		return
	}
	if p.Name != "" {
		name := maphash.String(t.seed, p.Name)
		if _, counted := t.names[name]; counted {
			return
		}
		t.names[name] = struct{}{}
		messages = 1
	}
	n := int(messages)
	sum := t.out.Parked[p.Endpoint]
	sum.Entries += n * p.Entries
	sum.Bytes += int64(n) * p.Bytes
	if p.Ready {
		sum.Ready += n * p.Entries
	}
	t.out.Parked[p.Endpoint] = sum
}

// countRead adds what has no counts in its name.
func (t *Taking) countRead(s *transport.Segment) {
	sum := t.out.Parked[s.Endpoint]
	for i := range s.Entries {
		sum.Entries++
		sum.Bytes += int64(s.Entries[i].Counted())
	}
	t.out.Parked[s.Endpoint] = sum
}
