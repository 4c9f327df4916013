package email

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/postrider/postrider/transport"
)

// says is a server that greets, takes EHLO with these extensions, and then
// gives answers, one a line it is sent; after the last it does then.
func says(then func(net.Conn), extensions string, answers ...string) func(net.Conn) {
	return func(c net.Conn) {
		lines := bufio.NewReader(c)
		say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
		say("220 relay.test ESMTP")
		for _, answer := range append([]string{extensions}, answers...) {
			if _, err := lines.ReadString('\n'); err != nil {
				return
			}
			say(answer)
		}
		if _, err := lines.ReadString('\n'); err == nil {
			then(c)
		}
	}
}

func hang(c net.Conn)  { _, _ = io.Copy(io.Discard, c) }
func leave(c net.Conn) {}

// chatter never ends a line.
func chatter(c net.Conn) {
	for {
		if _, err := c.Write(make([]byte, 32<<10)); err != nil {
			return
		}
	}
}

// TestTrouble: what is the relay's, or ours, is never the mailbox's.
func TestTrouble(t *testing.T) {
	ca, certificate := authority(t)
	relay := &server{mechanisms: []string{"PLAIN"}}
	relay.serve(t, certificate, false)
	login := &server{mechanisms: []string{"LOGIN"}}
	login.serve(t, certificate, false)
	implicit := (&server{}).serve(t, certificate, true)
	free, _ := net.Listen("tcp", "127.0.0.1:0")
	refusing := free.Addr().(*net.TCPAddr)
	_ = free.Close()

	toAddr := func(addr *net.TCPAddr) func(*Options) { return func(o *Options) { o.Port = addr.Port } }
	script := func(s func(net.Conn)) func(*Options) { return toAddr(scripted(t, s)) }
	user := func(o *Options) { o.User, o.Password = testUser, testPassword }

	for name, c := range map[string]struct {
		change func(*Options)
		status int
		detail string
	}{
		"refuses the connection":     {toAddr(refusing), 0, "the connection was refused"},
		"unknown host":               {func(o *Options) { o.Host, o.AllowPlain = "relay.invalid", true }, 0, "host name"},
		"hangs at once":              {script(hang), 0, "at the greeting: the time limit was used up"},
		"closes at once":             {script(leave), 0, "at the greeting: the connection broke"},
		"garbage":                    {script(func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n"); hang(c) }), 0, "what it says is no SMTP"},
		"endless":                    {script(chatter), 0, "at the greeting: "},
		"not today":                  {script(func(c net.Conn) { _, _ = io.WriteString(c, "554 5.3.2 not today\r\n"); hang(c) }), 554, "answered 554 5.3.2 to the greeting"},
		"no EHLO":                    {script(says(hang, "502 no", "502 no")), 502, "to the greeting"},
		"hangs at MAIL":              {script(says(hang, "250 hello")), 0, "at MAIL: the time limit"},
		"sender refused":             {script(says(hang, "250 hello", "553 5.1.8 who are you")), 553, "answered 553 5.1.8 to MAIL"},
		"sign in first":              {script(says(hang, "250 hello", "530 5.7.0 sign in")), 530, "to MAIL"},
		"busy":                       {script(says(hang, "250 hello", "451 4.3.0 busy")), 451, "to MAIL"},
		"hangs at RCPT":              {script(says(hang, "250 hello", "250 ok")), 0, "at RCPT: the time limit"},
		"closes at RCPT":             {script(says(leave, "250 hello", "250 ok")), 0, "at RCPT: the connection broke"},
		"garbage at RCPT":            {script(says(hang, "250 hello", "250 ok", "yes?")), 0, "at RCPT: what it says is no SMTP"},
		"closes at DATA":             {script(says(leave, "250 hello", "250 ok", "250 ok")), 0, "at DATA: the connection broke"},
		"closes in the mail":         {script(says(leave, "250 hello", "250 ok", "250 ok", "354 go on")), 0, "at DATA: the connection broke"},
		"hangs after the mail":       {script(says(hang, "250 hello", "250 ok", "250 ok", "354 go on")), 0, "at DATA: the time limit"},
		"endless at RCPT":            {script(says(chatter, "250 hello", "250 ok")), 0, "at RCPT: "},
		"no STARTTLS":                {func(o *Options) { o.TLS = StartTLS; o.Port = scripted(t, says(hang, "250 hello")).Port }, 0, "it does not offer STARTTLS"},
		"unknown authority":          {func(o *Options) { o.TLS = StartTLS; o.Port = relay.addr.Port }, 0, "at TLS: its certificate is from an unknown authority"},
		"unknown authority, at once": {func(o *Options) { o.TLS = ImplicitTLS; o.Port = implicit.addr.Port }, 0, "at TLS: its certificate is from an unknown authority"},
		"certificate of another":     {func(o *Options) { o.TLS, o.CA, o.Host = StartTLS, ca, "localhost"; o.Port = relay.addr.Port }, 0, "for another host"},
		"no TLS on this port":        {func(o *Options) { o.TLS, o.CA = ImplicitTLS, ca; o.Port = relay.addr.Port }, 0, "it does not speak TLS on this port"},
		"TLS alone on this port":     {func(o *Options) { o.Port = implicit.addr.Port }, 0, "at the greeting: the time limit"},
		"wrong password":             {func(o *Options) { user(o); o.Password = "wrong, and secret"; o.Port = relay.addr.Port }, 535, "answered 535 5.7.8 to AUTH"},
		"wrong password by LOGIN":    {func(o *Options) { user(o); o.Password = "wrong, and secret"; o.Port = login.addr.Port }, 535, "answered 535 5.7.8 to AUTH"},
		"repeats the password": {func(o *Options) {
			user(o)
			o.Port = scripted(t, says(hang, "250-hello\r\n250 AUTH PLAIN", "535 "+testPassword)).Port
		}, 535, "answered 535 to AUTH"},
		"no AUTH": {func(o *Options) { user(o); o.Port = scripted(t, says(hang, "250 hello")).Port }, 0, "neither AUTH PLAIN nor AUTH LOGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(relay.addr)
			c.change(&o)
			s := newSender(t, o)
			// Without the limit of 700 ms those that hang would hang for good.
			a := prepare(t, s, mailbox, 700*time.Millisecond).Send(context.Background(), eventOf(t, report(1)), 1)
			if a.Class != transport.Refused || a.Reason != transport.ReasonRelay || a.Status != c.status ||
				!strings.Contains(a.Detail, c.detail) {
				t.Errorf("%s %s %d: %s", a.Class, a.Reason, a.Status, a.Detail)
			}
			for _, said := range []string{a.Detail, string(a.Body)} {
				if strings.Contains(said, testPassword) || strings.Contains(said, "secret") {
					t.Errorf("the password is in the answer: %q", said)
				}
			}
		})
	}
}

// A relay that quotes the password where it was not even asked for it.
func TestPasswordIsNotKept(t *testing.T) {
	relay := &server{mechanisms: []string{"PLAIN"}, rcpt: func() error {
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 0, 0}, Message: testPassword}
	}}
	o := options(relay.serve(t, nil, false).addr)
	o.User, o.Password = testUser, testPassword
	if a := send(t, o); a.Status != 450 || a.Body != nil || strings.Contains(a.Detail, testPassword) {
		t.Errorf("%+v", a)
	}
}

// spoken is a connection on which the relay's words stand already.
type spoken struct {
	net.Conn
	words io.Reader
}

func (c spoken) Read(p []byte) (int, error)  { return c.words.Read(p) }
func (c spoken) Write(p []byte) (int, error) { return len(p), nil }
func (c spoken) Close() error                { return nil }

// FuzzRelay: whatever the relay says, the mail is delivered or the answer has
// a class and words of our own, bounded and without the password.
func FuzzRelay(f *testing.F) {
	f.Add("220 hi\r\n250-hi\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n")
	f.Add("220 hi\r\n250-hi\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 x\r\n535 5.7.8 " + testPassword + "\r\n")
	f.Add("220 hi\r\n250-hi\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n550 5.1.1 no\r\n")
	f.Add("220-" + strings.Repeat("x", 5000) + "\r\n")
	s, err := NewSender(Options{Host: "localhost", TLS: Plain, User: testUser, Password: testPassword, From: "a@postrider.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, words string) {
		c := &session{raw: &limitedConn{Conn: spoken{words: strings.NewReader(words)}, left: maxRead}}
		fault := s.relay.begin(c)
		if fault == nil {
			_, fault = c.send("a@postrider.test", mailbox, []byte("Subject: x\r\n\r\n.\r\n"))
		}
		if fault == nil {
			return
		}
		a := classify(fault)
		if a.Class != transport.Refused && a.Class != transport.Failed && a.Class != transport.Gone || a.Reason == "" ||
			a.Detail == "" || len(a.Detail) > maxDetail || len(a.Body) > transport.MaxAnswerKept ||
			strings.Contains(a.Detail, testPassword) || fault.stage <= stageAuth && (a.Class != transport.Refused || strings.Contains(string(a.Body), testPassword) && fault.stage == stageAuth) {
			t.Fatalf("%+v", a)
		}
	})
}
