package node

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
)

// there asks which events the log has, on a goroutine of its own; what cannot be
// told now it may have.
func (n *Node) there(ctx context.Context) func(seqs []uint64, told func(there []uint64)) {
	return func(seqs []uint64, told func(there []uint64)) {
		if ctx.Err() != nil {
			return // the node leaves
		}
		n.background.Go(func() {
			var there []uint64
			for _, seq := range seqs {
				if _, err := n.store.Events.Event(ctx, seq); !errors.Is(err, transport.ErrNotFound) {
					there = append(there, seq)
				}
			}
			told(there)
		})
	}
}
