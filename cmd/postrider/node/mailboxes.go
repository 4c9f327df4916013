package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/registry"
)

// What mailboxes want: an address of an active alert, and a customer's own.
var (
	alertMail    = []string{"alert.matches_found"}
	customerMail = []string{"ops.endpoint.>", "ops.run.failed", "ops.deadletter.created", "ops.quota.>"}
)

// addressesOf are the addresses that an alert's matches are mailed to, each
// once; none where the alert is not active.
func addressesOf(a *matching.Alert) []string {
	if a == nil || !a.IsActive {
		return nil
	}
	var list []string
	for _, given := range append([]string{a.Email}, a.CCEmails...) {
		address, err := transport.CheckAddress("email", given)
		if err == nil && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// mailbox makes the endpoint of an address. It wants events of any age: what it
// is told is chosen by the alerts that matched, and a restart must lose nothing.
func mailbox(customer, address string, alerts, own bool, at time.Time) *transport.Endpoint {
	ep := &transport.Endpoint{ID: transport.MailboxID(customer, address), Customer: customer, Name: address,
		Kind: transport.KindEmail, Address: address, Enabled: true, State: transport.StateActive,
		Delivery: transport.Delivery{Retries: true}, CreatedAt: at, UpdatedAt: at}
	if alerts {
		ep.Events = append(ep.Events, alertMail...)
	}
	if own {
		ep.Events = append(ep.Events, customerMail...)
	}
	ep.ApplyDefaults()
	return ep
}

// mailboxes keeps the mailboxes as the alerts and customers have them. Its
// changes come one at a time; what it knows is read at any.
type mailboxes struct {
	tell func(transport.Change)
	now  func() time.Time
	// held tells whether a mailbox must be confirmed first; nil: none must. It is
	// set before the first change.
	held func(customer, address string) bool

	// turn is held while a change is told, mu while the maps are looked at.
	turn, mu sync.Mutex
	alerts   map[string][]string // the addresses of each active alert, by its id
	owners   map[string]string   // each customer's own address
	boxes    map[string]*box     // by id
}

// box is a mailbox, and why it is there.
type box struct {
	*transport.Endpoint
	alerts int
	own    bool
}

func newMailboxes(tell func(transport.Change), now func() time.Time) *mailboxes {
	return &mailboxes{tell: tell, now: now, alerts: map[string][]string{}, owners: map[string]string{}, boxes: map[string]*box{}}
}

// alertChanged takes one change of the alerts in, and returns when it is in effect.
func (m *mailboxes) alertChanged(c registry.AlertChange) {
	m.turn.Lock()
	defer m.turn.Unlock()
	var next []string
	if c.Alert != nil {
		next = addressesOf(&c.Alert.Alert)
	}
	was := m.alerts[c.ID]
	if m.alerts[c.ID] = next; len(next) == 0 {
		delete(m.alerts, c.ID)
	}
	for _, address := range next {
		if !slices.Contains(was, address) {
			m.change(c.Customer, address, func(b *box) { b.alerts++ })
		}
	}
	for _, address := range was {
		if !slices.Contains(next, address) {
			m.change(c.Customer, address, func(b *box) { b.alerts-- })
		}
	}
}

// customerChanged takes a customer's own address in.
func (m *mailboxes) customerChanged(c *transport.Customer) {
	m.turn.Lock()
	defer m.turn.Unlock()
	next := ""
	if c.Email != "" {
		next, _ = transport.CheckAddress("email", c.Email) // one that is none is ""
	}
	was := m.owners[c.ID]
	if was == next {
		return
	}
	if m.owners[c.ID] = next; next == "" {
		delete(m.owners, c.ID)
	} else {
		m.change(c.ID, next, func(b *box) { b.own = true })
	}
	if was != "" {
		m.change(c.ID, was, func(b *box) { b.own = false })
	}
}

// change gives an address another reason to have a mailbox, or takes one away,
// and tells where that makes a difference.
func (m *mailboxes) change(customer, address string, apply func(*box)) {
	id := transport.MailboxID(customer, address)
	was := m.box(id)
	next := box{}
	if was != nil {
		next = *was
	}
	apply(&next)
	c := transport.Change{ID: id, Customer: customer}
	switch {
	case next.alerts <= 0 && !next.own:
		m.keep(id, nil)
	case was == nil || (was.alerts > 0) != (next.alerts > 0) || was.own != next.own:
		next.Endpoint = mailbox(customer, address, next.alerts > 0, next.own, m.now().UTC())
		if was != nil {
			next.State, next.StateReason, next.CreatedAt = was.State, was.StateReason, was.CreatedAt
		} else {
			next.State, next.StateReason = m.begins(customer, address)
		}
		c.Endpoint = next.Endpoint
		m.keep(id, &next)
	default:
		m.keep(id, &next)
		return
	}
	m.tell(c)
}

// begins is the state of a mailbox that nothing else is known of: what comes
// for one that must be confirmed waits.
func (m *mailboxes) begins(customer, address string) (state, reason string) {
	if m.held != nil && m.held(customer, address) {
		return transport.StatePaused, transport.ReasonMailboxUnconfirmed
	}
	return transport.StateActive, ""
}

func (m *mailboxes) box(id string) *box {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boxes[id]
}

func (m *mailboxes) keep(id string, b *box) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b == nil {
		delete(m.boxes, id)
	} else {
		m.boxes[id] = b
	}
}

// Mailbox gives the mailbox of that id.
func (m *mailboxes) Mailbox(id string) (*transport.Endpoint, bool) {
	b := m.box(id)
	if b == nil {
		return nil, false
	}
	return b.Endpoint, true
}

// Mailboxes lists a customer's mailboxes, or all for "", by customer, then address.
func (m *mailboxes) Mailboxes(customer string) []*transport.Endpoint {
	m.mu.Lock()
	var list []*transport.Endpoint
	for _, b := range m.boxes {
		if customer == "" || b.Customer == customer {
			list = append(list, b.Endpoint)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b *transport.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Address, b.Address))
	})
	return list
}

// SetState gives a mailbox another state until it is resumed or the node stops:
// one that does not exist is asked again by then. transport.ErrNotFound: there
// is no such mailbox.
func (m *mailboxes) SetState(_ context.Context, id, state, reason string) (uint64, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	b := m.box(id)
	if b == nil {
		return 0, fmt.Errorf("mailbox %s: %w", id, transport.ErrNotFound)
	}
	m.move(b, state, reason)
	return 0, nil
}

// move brings a mailbox to another state; the turn is held.
func (m *mailboxes) move(b *box, state, reason string) {
	if b.State == state && b.StateReason == reason {
		return
	}
	ep := *b.Endpoint
	ep.State, ep.StateReason, ep.UpdatedAt = state, reason, m.now().UTC()
	next := *b
	next.Endpoint = &ep
	m.keep(ep.ID, &next)
	m.tell(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: &ep})
}

// ResumeMailbox has a mailbox that was disabled begin again: active, or waiting
// for its owner's confirmation.
func (m *mailboxes) ResumeMailbox(_ context.Context, id string) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	b := m.box(id)
	if b == nil {
		return fmt.Errorf("mailbox %s: %w", id, transport.ErrNotFound)
	}
	state, reason := m.begins(b.Customer, b.Address)
	m.move(b, state, reason)
	return nil
}

// confirmed makes a mailbox active that waited for that.
func (m *mailboxes) confirmed(customer, address string) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if b := m.box(transport.MailboxID(customer, address)); b != nil && b.StateReason == transport.ReasonMailboxUnconfirmed {
		m.move(b, transport.StateActive, "")
	}
}

// receivers are the registry's endpoints and the mailboxes, for the news.
type receivers struct {
	*registry.Registry
	mail *mailboxes
}

// Endpoint gives the endpoint of that id, webhook or mailbox.
func (r receivers) Endpoint(id string) (*transport.Endpoint, bool) {
	if ep, there := r.mail.Mailbox(id); there {
		return ep, true
	}
	return r.Registry.Endpoint(id)
}

// SetState is the registry's, or the mailboxes's for a mailbox.
func (r receivers) SetState(ctx context.Context, id, state, reason string) (uint64, error) {
	if _, there := r.mail.Mailbox(id); there {
		return r.mail.SetState(ctx, id, state, reason)
	}
	return r.Registry.SetState(ctx, id, state, reason)
}
