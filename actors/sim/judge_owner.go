package sim

import (
	"fmt"
	"strconv"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

const oneWriter = "one writer: who does not own the shard does nothing"

// acts judges what a node does to the outside: only who took the shard last, and
// was not deposed since, may do it.
func (j *judge) acts(n *node, what string) {
	if j.w.node != n {
		j.w.breaks(oneWriter, "node %d %s, and %s", n.life, what, j.whoOwns())
	}
}

func (j *judge) whoOwns() string {
	if n := j.w.node; n != nil {
		return fmt.Sprintf("node %d owns the shard", n.life)
	}
	return "nobody works on the shard"
}

// wrote judges a write that a stream took: none of an owner may follow one of a
// later owner, and an epoch has one.
func (j *judge) wrote(n *node, s lease.Stream) {
	j.written(s, transport.Owner{Boot: strconv.Itoa(n.life), Epoch: n.epoch})
}

// recorded judges an owner's record that a stream took.
func (j *judge) recorded(n *node, e *lease.Effect) {
	j.written(e.Stream, transport.Owner{Boot: strconv.Itoa(n.life), Epoch: e.Owner.Epoch})
}

func (j *judge) written(s lease.Stream, by transport.Owner) {
	was := j.writers[s]
	if by.Epoch < was.Epoch || by.Epoch == was.Epoch && by.Boot != was.Boot {
		j.w.breaks("one writer: what two write does not both take effect", "%s has taken a write of node %s in epoch %d after one of node %s in epoch %d",
			streamWords[s], by.Boot, by.Epoch, was.Boot, was.Epoch)
	}
	j.writers[s] = by
}
