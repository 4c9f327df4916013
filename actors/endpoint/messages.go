package endpoint

import (
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Messages an actor understands, besides *Lease.
type (
	// Change brings new settings.
	Change struct {
		Endpoint *transport.Endpoint
		// InEffect is closed when the settings are in effect.
		InEffect chan struct{}
	}
	// Close says why everything is buried from now on.
	Close struct {
		Reason string
		// InEffect: see Change.
		InEffect chan struct{}
	}
	// Drain hands back the leases that wait.
	Drain struct{}
	// Aside parks a lease at once.
	Aside struct{ Lease *Lease }
	// ShedTo parks the leases in hand beyond so many. ShedTo(0) is for an ordered
	// endpoint: where all it has in hand waits for a pair that is elsewhere, it
	// makes room for that one.
	ShedTo int
	// UplinkChange tells about our own uplink: UplinkLost, UplinkBack or Canary.
	UplinkChange InputKind
	// ParkedChange is what came back from DEFERRED, counted off, or was parked
	// there by an actor before this one.
	ParkedChange transport.Parked
	// NotParked tells an ordered endpoint which pairs came back from DEFERRED and
	// have ended, or were parked again: no lease of them comes (any more). Those of
	// which one comes are not named: they are awaited until it is there.
	NotParked []Unparked
	// Ask has the endpoint's standing put into a channel with room for it.
	Ask chan transport.Standing
	// Quit hands back the leases that wait and frees what the actor holds; it is the
	// last message.
	Quit struct{}

	// sent is the end of an attempt.
	sent struct {
		delivery *Delivery
		answer   transport.Answer
		began    time.Time
	}
	// listed is all that is parked, as the list of that number told it.
	listed struct {
		number int
		all    []ParkedPair
	}
	// buried tells that the end of the pair there is durable.
	buried   struct{ place transport.Place }
	begin    struct{}
	tick     struct{}
	stored   struct{}
	recalled struct{}
)

// done sends a message to an actor when something is durable.
type done struct {
	self Mailbox
	msg  any
}

func (d done) Done() { d.self.Send(d.msg) }

// sents are used again, but for those that nobody receives.
var sents = sync.Pool{New: func() any { return new(sent) }}

// LeaseIn gives the lease a message is about, or nil.
func LeaseIn(msg any) *Lease {
	switch msg := msg.(type) {
	case *Lease:
		return msg
	case Aside:
		return msg.Lease
	case *sent:
		return msg.delivery.Lease
	}
	return nil
}
