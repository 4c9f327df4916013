package log

import (
	"fmt"

	"github.com/postrider/postrider/transport"
)

// State tells how far a delivery has come, from memory alone. One that is not
// there is transport.ErrNotFound.
func (x *Index) State(p transport.Pair) (transport.DeliveryState, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.ready(); err != nil {
		return 0, err
	}
	r := x.table.lookup(p)
	if r == noRef {
		return 0, fmt.Errorf("delivery %s: %w", transport.DeliveryID(p), transport.ErrNotFound)
	}
	c, i := x.table.row(r)
	return transport.DeliveryState(c.state[i]), nil
}
