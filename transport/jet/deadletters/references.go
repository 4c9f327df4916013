package deadletters

import (
	"encoding/json"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// References tells which payloads dead letters refer to.
func (s *Store) References() jet.References {
	return jet.References{Stream: s.shard.DeadLetters(), Names: func(m *jetstream.RawStreamMsg) ([]string, bool) {
		var letter struct {
			Event struct {
				Object string `json:"object"`
			} `json:"event"`
		}
		if json.Unmarshal(m.Data, &letter) != nil {
			return nil, false
		}
		return []string{letter.Event.Object}, true
	}}
}
