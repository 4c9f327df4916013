package node

import "context"

// there asks which events the log has, on a goroutine of its own; where that cannot
// be told now, it may have all.
func (n *Node) there(ctx context.Context) func(seqs []uint64, told func(there []uint64)) {
	return func(seqs []uint64, told func(there []uint64)) {
		if ctx.Err() != nil {
			return // the node leaves
		}
		n.background.Go(func() {
			messages, err := n.store.Events.Raw(ctx, seqs)
			if err != nil {
				told(seqs)
				return
			}
			there := make([]uint64, len(messages))
			for i, m := range messages {
				there[i] = m.Sequence
			}
			told(there)
		})
	}
}
