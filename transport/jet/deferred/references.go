package deferred

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// References tells which payloads segments refer to. What moves does so to the
// end of the stream.
func (s *Store) References() jet.References {
	return jet.References{Stream: s.shard.Deferred(), Names: func(m *jetstream.RawStreamMsg) (names []string, known bool) {
		if jet.IsOwnerRecord(m.Subject) {
			return nil, true
		}
		seg, err := decodeSegment(m.Data)
		if err != nil {
			return nil, false
		}
		for i := range seg.Entries {
			names = append(names, seg.Entries[i].Event.Object)
		}
		return names, true
	}}
}
