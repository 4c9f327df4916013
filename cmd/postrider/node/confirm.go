package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/email"
	"github.com/postrider/postrider/transport/jet/registry"
)

// confirmer asks the owners of mailboxes whether mails may come, and takes
// their answers. It is there with email.confirm alone.
type confirmer struct {
	links    *email.Links
	consents *registry.Consents
	trusted  []string
	boxes    *mailboxes
	// ask makes one attempt to send a question.
	ask func(ctx context.Context, ep *transport.Endpoint, q *email.Question) transport.Answer
	// waits tells whether anything waits for a mailbox; tell has one disabled.
	waits func(ctx context.Context, id string) bool
	tell  func(transport.News)
	// nameOf is what a customer calls itself.
	nameOf func(customer string) string
	now    func() time.Time
	log    *slog.Logger
	wake   chan struct{}
}

const (
	// askLook is between two looks at who is to be asked.
	askLook = time.Minute
	// mostRefused is how many mails in a row the relay may refuse to hear of
	// until a look ends: then it is the relay's trouble, and not a mailbox's.
	mostRefused = 3
)

// errRelay is a question that did not get as far as the mailbox.
var errRelay = errors.New("not taken by the relay")

// openConfirmer reads who has confirmed, before there are mailboxes.
func (n *Node) openConfirmer(ctx context.Context, keys *Keys) error {
	if !n.cfg.Email.Confirm || n.mail == nil {
		return nil
	}
	links, err := email.NewLinks(n.cfg.HTTP.PublicURL, keys.master, keys.previous)
	if err != nil {
		return err
	}
	consents, err := n.store.Settings.Consents(ctx)
	if err != nil {
		return err
	}
	n.confirmer = &confirmer{links: links, consents: consents, trusted: n.cfg.Email.TrustedDomains, boxes: n.mailboxes,
		ask: n.mail.Ask, tell: n.news.Tell, now: n.now, log: n.log, wake: make(chan struct{}, 1),
		waits: func(ctx context.Context, id string) bool {
			st, known := n.shard.Standing(ctx, id)
			return known && st.Waiting > 0
		},
		nameOf: func(customer string) string {
			c, known := n.registry.Customer(customer)
			if !known {
				return customer
			}
			return cmp.Or(c.Name, customer)
		}}
	n.mailboxes.held = n.confirmer.unconfirmed
	return nil
}

// unconfirmed tells whether a mailbox may not be sent anything yet.
func (c *confirmer) unconfirmed(customer, address string) bool {
	return c != nil && !trustedAddress(address, c.trusted) && c.consents.Of(customer, address).Confirmed.IsZero()
}

// changed takes a mailbox's change in: one that must be confirmed is asked soon.
func (c *confirmer) changed(ch transport.Change) {
	if c == nil || ch.Endpoint == nil || ch.Endpoint.StateReason != transport.ReasonMailboxUnconfirmed {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run asks who is to be asked, until ctx ends.
func (c *confirmer) run(ctx context.Context) {
	look := time.NewTicker(askLook)
	defer look.Stop()
	for {
		select {
		case <-c.wake:
		case <-look.C:
		case <-ctx.Done():
			return
		}
		c.askAll(ctx)
	}
}

// askAll asks all whose turn it is, one after the other. It ends early where
// the relay or the store is away: the next look goes on.
func (c *confirmer) askAll(ctx context.Context) {
	refused := 0
	asked := c.consents.AskedSince(c.now().Add(-time.Hour))
	for _, ep := range c.boxes.Mailboxes("") {
		if ep.StateReason != transport.ReasonMailboxUnconfirmed || asked[ep.Customer] >= asksInAnHour || !c.due(ctx, ep) {
			continue
		}
		asked[ep.Customer]++
		err := c.askOne(ctx, ep)
		if err == nil {
			refused = 0
			continue
		}
		if ctx.Err() == nil {
			c.log.Warn("a mailbox could not be asked to confirm; trying again", "mailbox", ep.ID, "customer", ep.Customer, "error", err)
		}
		if refused++; !errors.Is(err, errRelay) || refused >= mostRefused {
			return
		}
	}
}

// due looks at what waits only where that decides.
func (c *confirmer) due(ctx context.Context, ep *transport.Endpoint) bool {
	consent := c.consents.Of(ep.Customer, ep.Address)
	at, anyway := askAt(consent, false)
	if !anyway {
		if at.IsZero() || c.now().Before(at) {
			return false
		}
		return c.waits(ctx, ep.ID)
	}
	return !c.now().Before(at)
}

// askOne keeps that it is asking, asks, and keeps what came of it.
func (c *confirmer) askOne(ctx context.Context, ep *transport.Endpoint) error {
	at := c.now().UTC()
	if err := c.consents.Change(ctx, ep.Customer, ep.Address, func(k *transport.Consent) { asking(k, at) }); err != nil {
		return err
	}
	until := at.Add(linkAge)
	a := c.ask(ctx, ep, &email.Question{ID: fmt.Sprintf("confirm-%s-%d", ep.ID, at.UnixNano()), At: at, Name: c.nameOf(ep.Customer),
		Link: c.links.Make(ep.Customer, ep.Address, until), Until: until})
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if err := c.consents.Change(kept, ep.Customer, ep.Address, func(k *transport.Consent) { wasAsked(k, a.Class) }); err != nil {
		return err
	}
	switch a.Class {
	case transport.Delivered:
		c.log.Info("a mailbox was asked to confirm", "mailbox", ep.ID, "customer", ep.Customer)
	case transport.Gone:
		c.tell(transport.News{Endpoint: ep.ID, Customer: ep.Customer, What: transport.NewsDisabled, Reason: cmp.Or(a.Detail, a.Reason), Since: at, At: at})
	case transport.Refused, transport.Aborted:
		return fmt.Errorf("%w: %s: %s", errRelay, a.Reason, a.Detail)
	default:
		c.log.Warn("a mailbox did not take the mail that asks to confirm; trying again later", "mailbox", ep.ID, "customer", ep.Customer, "detail", a.Detail)
	}
	return nil
}

// Asked tells whom a link asks.
func (c *confirmer) Asked(token string) (transport.Asked, error) {
	customer, address, err := c.links.Read(token, c.now())
	if err != nil {
		return transport.Asked{}, err
	}
	return transport.Asked{Customer: customer, Address: address, Name: c.nameOf(customer),
		Confirmed: !c.consents.Of(customer, address).Confirmed.IsZero()}, nil
}

// Confirm keeps that the owner of a mailbox has confirmed, and sends what waits.
func (c *confirmer) Confirm(ctx context.Context, token string) (transport.Asked, error) {
	asked, err := c.Asked(token)
	if err != nil {
		return asked, err
	}
	err = c.consents.Change(ctx, asked.Customer, asked.Address, func(k *transport.Consent) {
		if k.Confirmed.IsZero() {
			k.Confirmed = c.now().UTC()
		}
	})
	if err != nil {
		return asked, err
	}
	asked.Confirmed = true
	c.boxes.confirmed(asked.Customer, asked.Address)
	return asked, nil
}
