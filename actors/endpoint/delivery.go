package endpoint

import (
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Delivery is a lease in a machine's hand, and how far the delivery has come
// since. It is the machine's, and may be used again after the effect that closes
// it.
type Delivery struct {
	*Lease
	// Tries and Due go on from the lease's.
	Tries []transport.Try
	Due   time.Time

	probe int // of the attempt under way, where it is an open breaker's probe
}

// fresh: it was never parked, nor tried.
func (d *Delivery) fresh() bool { return d.Hop == 0 && len(d.Tries) == 0 }

// queue are deliveries in hand that wait.
type queue = Queue[*Delivery]

// inOrder is the order of an ordered endpoint.
func inOrder(a, b *Delivery) bool { return a.Place().Before(b.Place()) }

// deliveries takes leases into a machine's hand, and lets them go.
type deliveries struct {
	closed []*Delivery // by the effects that are being carried out
}

// spare are used again, by any machine.
var spare = sync.Pool{New: func() any { return new(Delivery) }}

// of takes a lease into the machine's hand.
func (p *deliveries) of(l *Lease) *Delivery {
	d := spare.Get().(*Delivery)
	d.Lease, d.Tries, d.Due = l, l.Tries, l.Due
	return d
}

// close notes a delivery that ends with the effects of this step.
func (p *deliveries) close(d *Delivery) { p.closed = append(p.closed, d) }

// collect lets go of what the last step's effects closed.
func (p *deliveries) collect() {
	for i, d := range p.closed {
		p.closed[i] = nil
		*d = Delivery{}
		spare.Put(d)
	}
	p.closed = p.closed[:0]
}
