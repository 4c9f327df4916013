package node

import (
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/gate"
)

// paces are the quotas of what producers publish by NATS. There is nobody to
// send away: what goes beyond a rate waits, and its acknowledgement with it.
func (n *Node) paces() []gate.Pace {
	pace := func(quota string, amount func(bytes int) float64) gate.Pace {
		return func(now time.Time, customer string, bytes int) time.Duration {
			if customer == "" { // no event of anybody's: a dead letter
				return 0
			}
			return n.quotas.Take(now, customer, transport.QuotaWant{Quota: quota, N: amount(bytes)}).Wait
		}
	}
	return []gate.Pace{
		n.room.pace,
		pace(transport.QuotaEvents, func(int) float64 { return 1 }),
		pace(transport.QuotaBytes, func(bytes int) float64 { return float64(bytes) }),
	}
}
