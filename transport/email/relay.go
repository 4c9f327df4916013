package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail/smtp"
)

// stage is how far a conversation with the relay came.
type stage uint8

const (
	stageWait stage = iota
	stageConnect
	stageTLS
	stageGreeting
	stageAuth
	stageMail
	stageRcpt
	stageData
)

var stageNames = [...]string{"waiting for a connection", "connecting", "TLS", "the greeting", "AUTH", "MAIL", "RCPT", "DATA"}

// fault is where and why a conversation failed.
type fault struct {
	stage stage
	err   error
}

var (
	errNoStartTLS  = errors.New("it does not offer STARTTLS; choose another smtp.tls")
	errNoAuth      = errors.New("it offers neither AUTH PLAIN nor AUTH LOGIN; leave out smtp.user, or use another relay")
	errNoSMTPUTF8  = errors.New("it does not offer SMTPUTF8, which this address needs; give its domain in ASCII form (xn--…)")
	errSaidTooMuch = errors.New("it said more than an SMTP server says")
)

// relay opens conversations.
type relay struct {
	options *Options
	tls     *tls.Config
}

// session is a conversation that has got as far as MAIL.
type session struct {
	raw    *limitedConn
	client *smtp.Client
	// mails is how many were sent, or tried.
	mails int
	idle  *time.Timer

	connect, secure time.Duration
}

// Limits of a session: mails, as relays have such limits themselves, and bytes
// read for one mail (or for opening), as an answer is a few lines.
const (
	maxMails = 100
	maxRead  = 256 << 10
)

// open connects, secures, greets and signs in. It ends when ctx does.
func (r *relay) open(ctx context.Context) (*session, *fault) {
	start := time.Now()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(r.options.Host, strconv.Itoa(r.options.Port)))
	if err != nil {
		return nil, &fault{stageConnect, err}
	}
	s := &session{raw: &limitedConn{Conn: conn, left: maxRead}, connect: time.Since(start)}
	defer s.within(ctx)()
	if f := r.begin(s); f != nil {
		_ = conn.Close()
		return nil, f
	}
	return s, nil
}

func (r *relay) begin(s *session) *fault {
	conn := net.Conn(s.raw)
	if r.options.TLS == ImplicitTLS {
		start := time.Now()
		secured := tls.Client(conn, r.tls)
		if err := secured.Handshake(); err != nil {
			return &fault{stageTLS, err}
		}
		conn, s.secure = secured, time.Since(start)
	}
	var err error
	if s.client, err = smtp.NewClient(conn, r.options.Host); err != nil {
		return &fault{stageGreeting, err}
	}
	if err = s.client.Hello(r.options.HELO); err != nil {
		return &fault{stageGreeting, err}
	}
	if r.options.TLS == StartTLS {
		if f := r.startTLS(s); f != nil {
			return f
		}
	}
	return r.signIn(s)
}

func (r *relay) startTLS(s *session) *fault {
	if offered, _ := s.client.Extension("STARTTLS"); !offered {
		return &fault{stageTLS, errNoStartTLS}
	}
	start := time.Now()
	if err := s.client.StartTLS(r.tls); err != nil {
		return &fault{stageTLS, err}
	}
	s.secure = time.Since(start)
	return nil
}

func (r *relay) signIn(s *session) *fault {
	o := r.options
	if o.User == "" {
		return nil
	}
	_, offered := s.client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	var auth smtp.Auth
	switch inClear := o.TLS == Plain; {
	case slices.Contains(mechanisms, "PLAIN"):
		auth = smtp.PlainAuth("", o.User, string(o.Password), o.Host, inClear)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = smtp.LoginAuth(o.User, string(o.Password), o.Host, inClear)
	default:
		return &fault{stageAuth, errNoAuth}
	}
	if err := s.client.Auth(auth); err != nil {
		return &fault{stageAuth, err}
	}
	return nil
}

// send gives one mail to the relay; said is its answer.
func (s *session) send(from, to string, mail []byte) (said string, f *fault) {
	s.raw.left = maxRead
	s.mails++
	if offered, _ := s.client.Extension("SMTPUTF8"); !offered && !ascii(to) {
		return "", &fault{stageMail, errNoSMTPUTF8}
	}
	// Asked for where it is not needed it would bounce at the next server without it.
	s.client.SkipSMTPUTF8(ascii(to))
	if err := s.client.Mail("<" + from + ">"); err != nil {
		return "", &fault{stageMail, err}
	}
	if err := s.client.Rcpt("<" + to + ">"); err != nil {
		return "", &fault{stageRcpt, err}
	}
	w, err := s.client.Data()
	if err != nil {
		return "", &fault{stageData, err}
	}
	if _, err = w.Write(mail); err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", &fault{stageData, err}
	}
	if data, ok := w.(*smtp.DataCloser); ok {
		said = data.ServerResponse()
	}
	return said, nil
}

// within makes what s does end when ctx does, until stop; stop is false where
// ctx ended first, and s is then of no more use.
func (s *session) within(ctx context.Context) (stop func() bool) {
	deadline, _ := ctx.Deadline()
	_ = s.raw.SetDeadline(deadline)
	return context.AfterFunc(ctx, func() { _ = s.raw.SetDeadline(time.Unix(1, 0)) })
}

// quit takes leave without waiting for an answer.
func (s *session) quit() {
	_ = s.raw.SetDeadline(time.Now().Add(time.Second))
	_, _ = s.client.Text.Cmd("QUIT")
	_ = s.client.Text.Close()
}

// limitedConn is a connection that gives at most left bytes more.
type limitedConn struct {
	net.Conn
	left int
}

// Read reads up to the limit.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errSaidTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
