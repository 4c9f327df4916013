package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// Sender holds what all mailboxes share. It is safe for concurrent use.
type Sender struct {
	options Options
	relay   *relay
	pool    *pool
}

// NewSender checks o; errors are *transport.FieldError naming the setting
// (smtp.host, …). Nothing is connected to yet.
func NewSender(o Options) (*Sender, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	roots, err := o.roots()
	if err != nil {
		return nil, err
	}
	s := &Sender{options: o, pool: newPool(o.Connections)}
	s.relay = &relay{options: &s.options, tls: &tls.Config{ServerName: o.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return s, nil
}

// Close closes idle connections, and those of attempts in flight once these
// have come to their own end.
func (s *Sender) Close() { s.pool.close() }

// Target is one mailbox. It never changes, and is safe for concurrent use.
type Target struct {
	sender   *Sender
	endpoint string
	address  string
	timeout  time.Duration
}

// Prepare reads ep, an endpoint of kind email; errors are *transport.FieldError.
func (s *Sender) Prepare(ep *transport.Endpoint) (*Target, error) {
	if ep.Kind != transport.KindEmail {
		return nil, &transport.FieldError{Field: "kind", Value: ep.Kind, Message: "not a mailbox; the kind of those is email"}
	}
	address, err := transport.CheckAddress("address", ep.Address)
	if err != nil {
		return nil, err
	}
	t := &Target{sender: s, endpoint: ep.ID, address: address, timeout: time.Duration(ep.Delivery.Timeout)}
	if t.timeout <= 0 {
		t.timeout = s.options.Timeout
	}
	return t, nil
}

// Close gives back nothing: mailboxes share the sender's connections.
func (t *Target) Close() {}

// Send makes one attempt to give the mail about ev to the relay. It ends at the
// endpoint's time limit, or, as Aborted, when ctx does. Delivered means that
// the relay has taken it.
func (t *Target) Send(ctx context.Context, ev *transport.Event, _ int) transport.Answer {
	return t.once(ctx, func(limited context.Context) transport.Answer { return t.attempt(limited, ev) })
}

// once makes one attempt within the endpoint's time limit, and bears its panic.
func (t *Target) once(ctx context.Context, attempt func(context.Context) transport.Answer) (a transport.Answer) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil { // its value may hold anything
			a = refusal(transport.ReasonPanic, fmt.Sprintf("the attempt panicked with a %T", p))
		}
		a.Took = time.Since(start)
	}()
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	a = attempt(limited)
	if ctx.Err() != nil && a.Status == 0 && (a.Reason == transport.ReasonRelay || a.Reason == transport.ReasonLocal) {
		return transport.Answer{Class: transport.Aborted, Reason: transport.ReasonAborted, Detail: "broken off by us"}
	}
	return a
}

func (t *Target) attempt(ctx context.Context, ev *transport.Event) transport.Answer {
	l, err := t.sender.compose(ctx, ev, t.address)
	switch {
	case errors.As(err, new(noMatches)):
		return transport.Answer{Class: transport.Skip, Reason: transport.ReasonNoMatches}
	case err != nil && ctx.Err() != nil:
		return refusal(transport.ReasonLocal, "the mail could not be made within the time limit")
	case err != nil:
		return refusal(transport.ReasonUnrenderable, err.Error())
	}
	return t.deliver(ctx, l, ev)
}

// deliver waits for its turn at the relay before it makes the mail, so that
// mails in memory are as few as connections.
func (t *Target) deliver(ctx context.Context, l *letter, ev *transport.Event) transport.Answer {
	p := t.sender.pool
	if err := p.acquire(ctx); err != nil {
		return classify(&fault{stageWait, err})
	}
	defer p.free()
	mail, err := t.sender.message(l, ev, t.endpoint, t.address)
	if err != nil {
		return refusal(transport.ReasonUnrenderable, err.Error())
	}
	if s := p.take(); s != nil {
		if a, usable := t.over(ctx, s, mail); usable {
			return a
		}
	}
	s, f := t.sender.relay.open(ctx)
	if f != nil {
		return classify(f)
	}
	a, _ := t.over(ctx, s, mail)
	a.Connect, a.TLS = s.connect, s.secure
	return a
}

// over sends mail over s, and keeps s where it can go on. It is not usable where
// an idle session turns out to be over before anything was asked of it: then
// nothing was sent.
func (t *Target) over(ctx context.Context, s *session, mail []byte) (a transport.Answer, usable bool) {
	stop := s.within(ctx)
	said, f := s.send(t.sender.options.From, t.address, mail)
	usable, whole := true, true
	if f == nil {
		a = transport.Answer{Class: transport.Delivered, Status: 250, Body: kept(said)}
	} else {
		a = classify(f)
		code, _ := f.answered()
		whole = code != 0 && code != 421
		usable = whole || f.stage > stageMail || ctx.Err() != nil
		whole = whole && s.client.Reset() == nil
	}
	if stop() && whole {
		t.sender.pool.keep(s)
	} else {
		s.quit()
	}
	if t.sender.options.Password != "" && strings.Contains(string(a.Body), string(t.sender.options.Password)) {
		a.Body = nil
	}
	return a, usable
}
