package eventlog

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// References tells which payloads events refer to.
func (s *Store) References() jet.References {
	return jet.References{Stream: s.shard.Events(), Fresh: true, Names: func(m *jetstream.RawStreamMsg) ([]string, bool) {
		return []string{m.Header.Get(jet.HeaderObject)}, true
	}}
}
