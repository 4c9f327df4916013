package transport

import (
	"encoding/json"
	"slices"
)

// Given tells which settings of an endpoint its user chose, of those that
// profiles set differently: a change of profile brings the new one's defaults
// for the rest.
type Given uint8

// The settings that are told apart. The parts of a signature go together: an
// algorithm is a scheme's.
const (
	GivenFormat Given = 1 << iota
	GivenEvents
	GivenSignature
	GivenSchedule
	GivenJitter
	GivenSuccess
)

// givenNames are the settings' names in an endpoint's JSON, in the order of the bits.
var givenNames = []string{"format", "events", "signature", "delivery.schedule", "delivery.jitter", "delivery.success"}

// Names lists the settings of g by their names in an endpoint's JSON.
func (g Given) Names() []string {
	names := []string{}
	for i, name := range givenNames {
		if g&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// GivenNames is the Given of all that can be told apart.
func GivenNames() []string { return slices.Clone(givenNames) }

// GivenOf is the Given of the settings of these names; others are passed over.
func GivenOf(names ...string) (g Given) {
	for i, name := range givenNames {
		if slices.Contains(names, name) {
			g |= 1 << i
		}
	}
	return g
}

// MarshalJSON writes the names.
func (g Given) MarshalJSON() ([]byte, error) { return json.Marshal(g.Names()) }

// UnmarshalJSON reads names; those of later versions are passed over.
func (g *Given) UnmarshalJSON(b []byte) error {
	var names []string
	err := json.Unmarshal(b, &names)
	*g = GivenOf(names...)
	return err
}

// GuessGiven is for an endpoint of which it was never noted what its user
// chose: what differs from its profile's default.
func (e *Endpoint) GuessGiven() (g Given) {
	p := profiles[e.Profile]
	for bit, differs := range map[Given]bool{
		GivenFormat: e.Format != p.format, GivenEvents: !slices.Equal(e.Events, p.events), GivenSignature: e.Signature != p.signature,
		GivenSchedule: !slices.Equal(e.Delivery.Schedule, p.schedule), GivenJitter: e.Delivery.Jitter != p.jitter,
		GivenSuccess: e.Delivery.Success != p.success,
	} {
		if differs {
			g |= bit
		}
	}
	return g
}
