package email

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/postrider/postrider/transport"
)

// endpoint's Target, as actors know it.
var _ interface {
	Send(context.Context, *transport.Event, int) transport.Answer
	Close()
} = (*Target)(nil)

func TestDelivered(t *testing.T) {
	ca, certificate := authority(t)
	for _, c := range []struct {
		tls       string
		mechanism string
	}{
		{StartTLS, ""}, {StartTLS, "PLAIN"}, {StartTLS, "LOGIN"},
		{ImplicitTLS, ""}, {ImplicitTLS, "PLAIN"}, {ImplicitTLS, "LOGIN"},
		{Plain, ""}, {Plain, "PLAIN"}, {Plain, "LOGIN"},
	} {
		t.Run(c.tls+" "+c.mechanism, func(t *testing.T) {
			relay := &server{}
			if c.mechanism != "" {
				relay.mechanisms = []string{c.mechanism}
			}
			relay.serve(t, certificate, c.tls == ImplicitTLS)
			o := options(relay.addr)
			o.TLS, o.CA = c.tls, ca
			if c.mechanism != "" {
				o.User, o.Password = testUser, testPassword
			}
			s := newSender(t, o)
			target := prepare(t, s, mailbox, 0)
			defer target.Close()
			ev := eventOf(t, report(3))
			a := target.Send(context.Background(), ev, 1)
			if a.Class != transport.Delivered || a.Status != 250 || a.Reason != "" || a.Took <= 0 || a.Connect <= 0 || (a.TLS > 0) != (c.tls != Plain) {
				t.Fatalf("%+v", a)
			}
			mails, _ := relay.took()
			if len(mails) != 1 || mails[0].From != o.From || mails[0].To != mailbox || mails[0].Raw != string(write(t, s, ev, mailbox)) {
				t.Errorf("the relay got %+v", mails)
			}
		})
	}
}

// TestAnswers is what the relay's answers mean for the mailbox.
func TestAnswers(t *testing.T) {
	const atRCPT, atDATA = "RCPT", "DATA"
	for _, c := range []struct {
		at     string
		code   int
		status smtp.EnhancedCode
		text   string
		class  transport.Class
		reason string
	}{
		{atRCPT, 550, smtp.EnhancedCode{5, 1, 1}, "no such user", transport.Gone, transport.ReasonGone},
		{atRCPT, 550, smtp.EnhancedCode{5, 2, 1}, "mailbox disabled", transport.Gone, transport.ReasonGone},
		{atRCPT, 556, smtp.EnhancedCode{5, 1, 10}, "null MX", transport.Gone, transport.ReasonGone},
		{atRCPT, 550, smtp.NoEnhancedCode, "unknown user", transport.Gone, transport.ReasonGone},
		{atRCPT, 551, smtp.NoEnhancedCode, "user not local", transport.Gone, transport.ReasonGone},
		{atRCPT, 553, smtp.NoEnhancedCode, "mailbox name not allowed", transport.Gone, transport.ReasonGone},

		{atRCPT, 450, smtp.EnhancedCode{4, 7, 1}, "greylisted, come back later", transport.Failed, transport.ReasonStatus},
		{atRCPT, 451, smtp.EnhancedCode{4, 3, 0}, "local error", transport.Failed, transport.ReasonStatus},
		{atRCPT, 452, smtp.EnhancedCode{4, 2, 2}, "mailbox full", transport.Failed, transport.ReasonStatus},
		{atRCPT, 552, smtp.EnhancedCode{5, 2, 2}, "mailbox full", transport.Failed, transport.ReasonStatus},
		{atRCPT, 550, smtp.EnhancedCode{5, 4, 1}, "access denied", transport.Failed, transport.ReasonStatus},
		{atRCPT, 554, smtp.NoEnhancedCode, "no", transport.Failed, transport.ReasonStatus},
		{atDATA, 451, smtp.EnhancedCode{4, 7, 1}, "try again", transport.Failed, transport.ReasonStatus},
		{atDATA, 550, smtp.EnhancedCode{5, 1, 1}, "no such user", transport.Failed, transport.ReasonStatus},
		{atDATA, 552, smtp.EnhancedCode{5, 3, 4}, "too large", transport.Failed, transport.ReasonStatus},
		{atDATA, 554, smtp.EnhancedCode{5, 7, 1}, "spam", transport.Failed, transport.ReasonStatus},

		{atRCPT, 421, smtp.EnhancedCode{4, 3, 2}, "closing", transport.Refused, transport.ReasonRelay},
		{atDATA, 421, smtp.EnhancedCode{4, 3, 2}, "closing", transport.Refused, transport.ReasonRelay},
		{atRCPT, 550, smtp.EnhancedCode{5, 7, 1}, "denied", transport.Refused, transport.ReasonRelay},
		{atRCPT, 550, smtp.NoEnhancedCode, "Relay not permitted", transport.Refused, transport.ReasonRelay},
		{atRCPT, 554, smtp.NoEnhancedCode, "relay access denied", transport.Refused, transport.ReasonRelay},
		{atRCPT, 553, smtp.EnhancedCode{5, 1, 8}, "bad sender", transport.Refused, transport.ReasonRelay},
		{atRCPT, 530, smtp.NoEnhancedCode, "sign in first", transport.Refused, transport.ReasonRelay},
	} {
		t.Run(fmt.Sprint(c.at, c.code, c.status, c.text), func(t *testing.T) {
			no := func() error { return &smtp.SMTPError{Code: c.code, EnhancedCode: c.status, Message: c.text} }
			relay := &server{rcpt: no}
			if c.at == atDATA {
				relay = &server{data: no}
			}
			a := send(t, options(relay.serve(t, nil, false).addr))
			if a.Class != c.class || a.Reason != c.reason || a.Status != c.code {
				t.Errorf("got %s %s %d (%s), want %s %s", a.Class, a.Reason, a.Status, a.Detail, c.class, c.reason)
			}
			if !strings.Contains(a.Detail, fmt.Sprint(c.code)) || !strings.Contains(a.Detail, c.at) || !strings.Contains(string(a.Body), c.text) {
				t.Errorf("%q, answer kept: %q", a.Detail, a.Body)
			}
		})
	}
}

func TestSkippedAndUnreadable(t *testing.T) {
	free, _ := net.Listen("tcp", "127.0.0.1:0") // nobody answers there, and nobody asks
	defer free.Close()
	s := newSender(t, options(free.Addr().(*net.TCPAddr)))
	ev := eventOf(t, report(1))
	if a := prepare(t, s, "nobody@example.com", 0).Send(context.Background(), ev, 1); a.Class != transport.Skip || a.Reason != transport.ReasonNoMatches {
		t.Errorf("%+v", a)
	}
	ev.Data = []byte(`{"alert_details":7}`)
	if a := prepare(t, s, mailbox, 0).Send(context.Background(), ev, 1); a.Class != transport.Refused || a.Reason != transport.ReasonUnrenderable {
		t.Errorf("%+v", a)
	}
	if a := prepare(t, s, mailbox, 0).Send(context.Background(), nil, 1); a.Class != transport.Refused || a.Reason != transport.ReasonPanic {
		t.Errorf("%+v", a)
	}
}

// Time that is over before the mail is made is nobody's fault but ours.
func TestTooLate(t *testing.T) {
	target := prepare(t, words(t), mailbox, time.Nanosecond)
	if a := target.Send(context.Background(), eventOf(t, report(1)), 1); a.Class != transport.Refused || a.Reason != transport.ReasonLocal {
		t.Errorf("%+v", a)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if a := target.Send(over, eventOf(t, report(1)), 1); a.Class != transport.Aborted {
		t.Errorf("%+v", a)
	}
}

func TestAborted(t *testing.T) {
	asked := make(chan struct{})
	addr := scripted(t, says(func(c net.Conn) { close(asked); hang(c) }, "250 hello", "250 ok"))
	target := prepare(t, newSender(t, options(addr)), mailbox, 0)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	if a := target.Send(ctx, eventOf(t, report(1)), 1); a.Class != transport.Aborted || a.Reason != transport.ReasonAborted {
		t.Errorf("%+v", a)
	}
}

// Addresses beyond ASCII need a relay that takes them; others are not sent as such.
func TestSMTPUTF8(t *testing.T) {
	relay := (&server{}).serve(t, nil, false)
	r := report(1)
	r.AlertDetails[0].CCEmails = []string{"用户@例え.jp"}
	ev := eventOf(t, r)
	a := prepare(t, newSender(t, options(relay.addr)), "用户@例え.jp", 0).Send(context.Background(), ev, 1)
	if mails, _ := relay.took(); a.Class != transport.Delivered || mails[0].To != "用户@例え.jp" {
		t.Errorf("%+v: %+v", a, mails)
	}
	ascii := scripted(t, says(hang, "250 hello"))
	a = prepare(t, newSender(t, options(ascii)), "用户@例え.jp", 0).Send(context.Background(), ev, 1)
	if a.Class != transport.Refused || a.Reason != transport.ReasonRelay || !strings.Contains(a.Detail, "SMTPUTF8") {
		t.Errorf("%+v", a)
	}
}
