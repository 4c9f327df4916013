package api

import (
	"context"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport"
)

// Mailboxes are the endpoints of kind email: they are made from the addresses
// of alerts and customers, and cannot be changed by themselves.
type Mailboxes interface {
	Mailbox(id string) (*transport.Endpoint, bool)
	// Mailboxes gives those of a customer; an empty one means all.
	Mailboxes(customer string) []*transport.Endpoint
	// ResumeMailbox makes a mailbox active that was disabled, or has it wait for
	// its owner's confirmation again.
	ResumeMailbox(ctx context.Context, id string) error
}

// endpoint gives an endpoint: a webhook of the registry, or a mailbox.
func (s *Server) endpoint(id string) (*transport.Endpoint, bool) {
	ep, there := s.Registry.Endpoint(id)
	if !there && s.Mailboxes != nil {
		return s.Mailboxes.Mailbox(id)
	}
	return ep, there
}

// endpoints gives those of a kind: webhook ("" too) or email.
func (s *Server) endpoints(customer, kind string) []*transport.Endpoint {
	switch {
	case kind != transport.KindEmail:
		return s.Registry.Endpoints(customer)
	case s.Mailboxes == nil:
		return nil
	}
	return s.Mailboxes.Mailboxes(customer)
}

// unchangeable refuses to change a mailbox.
func unchangeable(ep *transport.Endpoint) error {
	if ep.Kind != transport.KindEmail {
		return nil
	}
	return newError(http.StatusConflict, "A mailbox is made from the addresses of alerts and of the customer: change those")
}

// preview is the request that a delivery makes; a mail is not shown.
func (s *Server) preview(ep *transport.Endpoint, ev *transport.Event) (*Preview, transport.Answer) {
	return s.previewAt(ep, ev, s.Now())
}

// previewAt is preview with the headers of an attempt at a time.
func (s *Server) previewAt(ep *transport.Endpoint, ev *transport.Event, at time.Time) (*Preview, transport.Answer) {
	if ep.Kind == transport.KindEmail {
		return nil, transport.Answer{Class: transport.Refused, Reason: "mail", Detail: "mails are not shown here; send one by a test"}
	}
	return s.Tester.Preview(ep, ev, at)
}

// resumeMailbox is resume for a mailbox, which alone of all changes it takes.
func (s *Server) resumeMailbox(ctx context.Context, ep *transport.Endpoint) (*endpointAnswer, error) {
	if ep.StateReason == transport.ReasonMailboxUnconfirmed {
		return nil, newError(http.StatusConflict, "The mailbox is not confirmed: its owner opens the link in the mail that asks, or its domain becomes one of email.trusted_domains")
	}
	if err := s.Mailboxes.ResumeMailbox(ctx, ep.ID); err != nil {
		return nil, err
	}
	resumed, there := s.Mailboxes.Mailbox(ep.ID)
	if !there {
		return nil, transport.ErrNotFound
	}
	return &endpointAnswer{Status: http.StatusOK, Body: show(resumed)}, nil
}
