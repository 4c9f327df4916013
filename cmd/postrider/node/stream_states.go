package node

import "github.com/postrider/postrider/transport/api"

// streamStates asks the server, for at most 2 s.
func (n *Node) streamStates() api.StreamStates {
	info := n.store.Info()
	out := api.StreamStates{Items: []api.StreamState{}, MaxStore: info.MaxStore}
	for _, s := range info.Streams {
		out.Items = append(out.Items, api.StreamState(s))
	}
	return out
}
