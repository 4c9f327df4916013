package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Input is what happened. Kind says which fields are set; Parked always is.
type Input struct {
	Kind InputKind
	// Parked is what waits in DEFERRED for the endpoint.
	Parked transport.Parked
	// Lease: Leased, PutAside.
	Lease *Lease
	// Delivery: Answered.
	Delivery *Delivery
	// Answer and Began: Answered. Ours: no fault of the endpoint's.
	Answer *transport.Answer
	Began  time.Time
	Ours   bool
	// Policy: Begun, Changed. Resumed: what was counted against the endpoint is
	// forgotten. Moved: so too what it asked for, since it is another receiver.
	// One that the machine disabled stays so until either, or until a policy
	// came that is closed: the registry's word of it.
	Policy  *Policy
	Resumed bool
	Moved   bool
	// Memory (nil: none), LastSend (an upper bound; zero: it never sent) and
	// the attempts counted so far: Begun.
	Memory   *transport.Memory
	LastSend time.Time
	Counted  tally
	// Pairs are all that is parked of an ordered endpoint, Number that of the
	// list: Listed.
	Pairs  []ParkedPair
	Number int
	// Keep is how many leases may stay in hand: Shed. 0: those that an ordered
	// endpoint cannot send before one that is elsewhere are to make room for it.
	Keep int
	// Place: Buried.
	Place transport.Place
	// Unparked: NoLongerParked.
	Unparked []Unparked
}

// InputKind names what happened. The zero value is time that passed.
type InputKind uint8

const (
	// Begun: the first input.
	Begun InputKind = iota + 1
	// Leased: a pair was handed over.
	Leased
	// PutAside: a pair was handed over that must wait for one that is not there
	// yet, and others need the room.
	PutAside
	// Answered: an attempt ended.
	Answered
	// Changed: the endpoint's settings are new; they hold from the next attempt on.
	Changed
	// Drained: hand back what waits; finish what is in flight.
	Drained
	// Stored: what was to be remembered before the next send is.
	Stored
	// Buried: the end of the pair at Place is durable.
	Buried
	// Listed: all that is parked of an ordered endpoint.
	Listed
	// NoLongerParked: pairs of an ordered endpoint came back from DEFERRED, and
	// there is no lease of them, since they have ended or are parked again.
	NoLongerParked
	// Recalled: what was recalled is on its way back.
	Recalled
	// Shed: others need the room; park what waits beyond Keep.
	Shed
	// UplinkLost: our own uplink is down; send nothing.
	UplinkLost
	// UplinkBack: it is not.
	UplinkBack
	// Canary: while the uplink is down, one attempt may try it.
	Canary
)

// Effect is what to do now. Do says which fields are set.
type Effect struct {
	Do       Verb
	Delivery *Delivery
	// Number of the attempt, from 1: Send, Record. Number of the list: List.
	Number int
	// Answer and Began: Record.
	Answer *transport.Answer
	Began  time.Time
	// At: the next attempt's due time (Record; zero: none), when to come back
	// (Park), when to be stepped again (Wake).
	At time.Time
	// Reason: Bury, Skip, Tell.
	Reason string
	// Memory: Remember.
	Memory *transport.Memory
	// Wait: the end must be durable before a pair behind it is sent; say so
	// (Buried). Bury.
	Wait bool
	// News and Since: Tell.
	News  string
	Since time.Time
	// Entries and Last: Recall.
	Entries int
	Last    transport.Place
}

// closes tells whether the lease ends with it.
func (e *Effect) closes() bool {
	switch e.Do {
	case Park, Bury, Skip, Release:
		return true
	case Record:
		return e.Answer.Class == transport.Delivered
	}
	return false
}

// Verb names an effect.
type Verb uint8

const (
	// Send: make an attempt; its end comes back as Answered.
	Send Verb = iota + 1
	// Record: journal an attempt. It closes the lease when it delivered.
	Record
	// Park: keep the pair in DEFERRED until At; closes the lease. The
	// delivery's Due is its own time, zero where it waits for room alone.
	Park
	// Bury: give the pair up; closes the lease.
	Bury
	// Skip: the pair ends without a delivery; closes the lease.
	Skip
	// Release: hand the lease back unsettled.
	Release
	// Remember: store Memory, and say so (Stored); nothing is sent before.
	Remember
	// Tell: the endpoint's state is another.
	Tell
	// Wake: step again at At, in place of any earlier word.
	Wake
	// Recall: bring Entries of what is parked for room back now, but for what
	// comes after Last (zero: nothing does), and say so (Recalled).
	Recall
	// List: tell all pairs that are parked (Listed), and which of them are so no
	// longer though their message is there still (NoLongerParked), in any order;
	// nothing is sent before the list is told.
	List
)
