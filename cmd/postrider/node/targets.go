package node

import (
	"fmt"
	"os"
	"time"
	_ "time/tzdata" // customers' time zones, where the system has none

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/email"
	"github.com/postrider/postrider/transport/telemetry"
	"github.com/postrider/postrider/transport/webhook"
)

// mailSender is the way to the relay; nil where none is set.
func (n *Node) mailSender() (*email.Sender, error) {
	c := &n.cfg.SMTP
	if c.Host == "" {
		return nil, nil
	}
	o := email.Options{
		Host: c.Host, Port: c.Port, TLS: c.TLS, User: c.User, Password: email.Password(c.Password.Reveal()),
		AllowPlain: c.AllowPlain, From: c.From, FromName: c.FromName, ReplyTo: c.ReplyTo, HELO: c.HELO,
		Timeout: c.Timeout, Connections: c.Connections, RunURL: c.RunURL, Zone: n.zoneOf,
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("smtp.ca: %w", err)
		}
		o.CA = string(pem)
	}
	return email.NewSender(o)
}

// zoneOf is a customer's time zone, UTC where it has none.
func (n *Node) zoneOf(customer string) *time.Location {
	if c, known := n.registry.Customer(customer); known {
		if zone, err := time.LoadLocation(c.TimeZone); err == nil {
			return zone
		}
	}
	return time.UTC
}

// preparer gives the actors their targets: mailboxes by SMTP, the rest by HTTP.
type preparer struct {
	webhooks *webhook.Sender
	mail     *email.Sender
	metrics  *telemetry.Telemetry
	tracing  func(endpoint.Target, *transport.Endpoint) endpoint.Target
	gate     *sendGate // nil: attempts are always let through
}

func (p preparer) Prepare(ep *transport.Endpoint) (endpoint.Target, error) {
	t, err := p.target(ep)
	if err != nil {
		return nil, err
	}
	if p.gate != nil {
		t = gated{t, p.gate}
	}
	return p.tracing(p.metrics.Counting(t), ep), nil
}

// sharedGate is the gate where another node may own the shard; nil where none can.
func (n *Node) sharedGate() *sendGate {
	if n.store.Embedded() {
		return nil
	}
	return n.gate
}

func (p preparer) target(ep *transport.Endpoint) (endpoint.Target, error) {
	switch {
	case ep.Kind != transport.KindEmail:
		return p.webhooks.Prepare(ep)
	case p.mail == nil:
		return nil, &transport.FieldError{Field: "kind", Value: ep.Kind, Message: "mails need a relay; set smtp.host and smtp.from"}
	}
	return p.mail.Prepare(ep)
}
