package node

import (
	"context"
	"time"

	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/jet"
)

// statesTime bounds what is asked of the server for people.
const statesTime = 2 * time.Second

// streamStates asks the server, for at most 2 s; where it does not tell, it
// gives what was known last.
func (n *Node) streamStates() api.StreamStates {
	ctx, cancel := context.WithTimeout(context.Background(), statesTime)
	defer cancel()
	use, err := n.store.Use(ctx)
	if err != nil {
		use = *n.room.last()
	}
	return shownStates(&use)
}

func shownStates(use *jet.Use) api.StreamStates {
	out := api.StreamStates{Items: []api.StreamState{}, MaxStore: int64(use.Room), Used: use.Used, LogRoom: max(0, use.Room.Log())}
	near := map[string]jet.Bound{}
	for _, b := range use.Bounds() {
		near[b.Stream] = b
	}
	out.Level, out.Text, out.Remedy = levelOf(near, ""), near[""].Text, near[""].Remedy
	for _, s := range use.Streams {
		out.Items = append(out.Items, api.StreamState{Name: s.Name, Messages: s.Messages, Bytes: s.Bytes, MaxBytes: s.MaxBytes,
			FirstSeq: s.FirstSeq, LastSeq: s.LastSeq, Error: s.Error, Level: levelOf(near, s.Name), Remedy: near[s.Name].Remedy})
	}
	return out
}

func levelOf(near map[string]jet.Bound, stream string) string {
	switch b, there := near[stream]; {
	case !there:
		return ""
	case b.Reached:
		return "reached"
	}
	return "near"
}
