package email

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/postrider/postrider/transport"
)

// One connection serves mails that follow one another, and refusals between.
func TestConnectionsAreKept(t *testing.T) {
	unknown := false
	relay := &server{rcpt: func() error {
		if unknown {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no"}
		}
		return nil
	}}
	relay.serve(t, nil, false)
	s := newSender(t, options(relay.addr))
	target, ev := prepare(t, s, mailbox, 0), eventOf(t, report(1))
	for i := range 10 {
		unknown = i%3 == 1
		want := transport.Delivered
		if unknown {
			want = transport.Gone
		}
		if a := target.Send(context.Background(), ev, 1); a.Class != want || (a.Connect > 0) != (i == 0) {
			t.Errorf("mail %d: %+v", i, a)
		}
	}
	if mails, sessions := relay.took(); len(mails) != 7 || sessions != 1 {
		t.Errorf("%d mails in %d sessions", len(mails), sessions)
	}
	kept := s.pool.idle[0]
	s.pool.expire(kept)
	s.pool.expire(kept) // twice is once
	if a := target.Send(context.Background(), ev, 1); a.Class != transport.Delivered || a.Connect == 0 {
		t.Errorf("after the idle time: %+v", a)
	}
	kept = s.pool.idle[0]
	kept.mails = maxMails - 1
	if a := target.Send(context.Background(), ev, 1); a.Class != transport.Delivered || len(s.pool.idle) != 0 {
		t.Errorf("the last mail of a session: %+v, %d kept", a, len(s.pool.idle))
	}
	s.Close()
	s.Close()
}

// A kept connection that the relay closed meanwhile, or closes with 421, costs
// no attempt.
func TestIdleConnectionIsOver(t *testing.T) {
	for name, then := range map[string]func(net.Conn){
		"closed": leave,
		"421":    func(c net.Conn) { _, _ = io.WriteString(c, "421 4.4.2 idle for too long\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			connections := 0
			addr := scripted(t, func(c net.Conn) {
				mu.Lock()
				connections++
				mu.Unlock()
				lines := bufio.NewReader(c)
				reply := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
				reply("220 relay.test")
				for inMail := false; ; {
					row, err := lines.ReadString('\n')
					switch {
					case err != nil:
						return
					case inMail && row == ".\r\n":
						reply("250 2.0.0 queued as 7")
						_, _ = lines.ReadString('\n')
						then(c)
						return
					case inMail:
					case strings.HasPrefix(row, "DATA"):
						inMail = true
						reply("354 go on")
					default:
						reply("250 ok")
					}
				}
			})
			target := prepare(t, newSender(t, options(addr)), mailbox, 0)
			for i := range 3 {
				a := target.Send(context.Background(), eventOf(t, report(1)), 1)
				if a.Class != transport.Delivered || string(a.Body) != "2.0.0 queued as 7" {
					t.Fatalf("mail %d: %+v", i, a)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if connections != 3 {
				t.Errorf("%d connections for 3 mails", connections)
			}
		})
	}
}

// Never more connections than are allowed; waiting for one counts as time.
func TestConnectionsAreBounded(t *testing.T) {
	const most = 2
	inside, goOn := make(chan struct{}), make(chan struct{})
	relay := &server{rcpt: func() error {
		inside <- struct{}{}
		<-goOn
		return nil
	}}
	o := options(relay.serve(t, nil, false).addr)
	o.Connections = most
	s := newSender(t, o)
	ev := eventOf(t, report(1))
	var all sync.WaitGroup
	answers := make(chan transport.Answer, 2*most)
	for range 2 * most {
		all.Go(func() { answers <- prepare(t, s, mailbox, 0).Send(context.Background(), ev, 1) })
	}
	for range most {
		<-inside
	}
	if a := prepare(t, s, mailbox, 50*time.Millisecond).Send(context.Background(), ev, 1); a.Class != transport.Refused ||
		a.Reason != transport.ReasonRelay || !strings.Contains(a.Detail, "waiting for a connection") {
		t.Errorf("while all are busy: %+v", a)
	}
	go func() {
		for range most {
			<-inside
		}
	}()
	close(goOn)
	all.Wait()
	for range 2 * most {
		if a := <-answers; a.Class != transport.Delivered {
			t.Errorf("%+v", a)
		}
	}
	if mails, sessions := relay.took(); len(mails) != 2*most || sessions > most {
		t.Errorf("%d mails in %d sessions", len(mails), sessions)
	}
}

// BenchmarkSend is one mail of 20 matches after another, over TLS, on a kept
// connection and on one of its own.
func BenchmarkSend(b *testing.B) {
	ca, certificate := authority(b)
	relay := &server{mechanisms: []string{"PLAIN"}}
	relay.serve(b, certificate, false)
	o := options(relay.addr)
	o.TLS, o.CA, o.User, o.Password = StartTLS, ca, testUser, testPassword
	ev := eventOf(b, report(20))
	for name, keep := range map[string]bool{"kept": true, "own": false} {
		b.Run(name, func(b *testing.B) {
			s := newSender(b, o)
			target := prepare(b, s, mailbox, 0)
			for b.Loop() {
				if a := target.Send(context.Background(), ev, 1); a.Class != transport.Delivered {
					b.Fatalf("%+v", a)
				}
				if !keep {
					s.pool.expire(s.pool.idle[0])
				}
			}
		})
	}
}
