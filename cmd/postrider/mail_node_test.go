package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/postrider/postrider/transport"
)

// postOffice is an SMTP server on loopback that keeps what it is given, knows
// no mailbox of the domain gone.example, and asks who comes for one of
// busy.example to come again, once.
type postOffice struct {
	mu    sync.Mutex
	mails map[string][]string // by receiver
	asked map[string]bool     // to come again, by receiver
}

func newPostOffice(t *testing.T) (*postOffice, []string) {
	t.Helper()
	p := &postOffice{mails: map[string][]string{}, asked: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &post{office: p}, nil }))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return p, []string{"POSTRIDER_SMTP_HOST=127.0.0.1", fmt.Sprintf("POSTRIDER_SMTP_PORT=%d", l.Addr().(*net.TCPAddr).Port),
		"POSTRIDER_SMTP_TLS=none", "POSTRIDER_SMTP_FROM=alerts@example.com"}
}

func (p *postOffice) got(address string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.mails[address]...)
}

type post struct {
	office *postOffice
	to     string
}

func (s *post) Mail(string, *smtp.MailOptions) error { return nil }
func (s *post) Reset()                               {}
func (s *post) Logout() error                        { return nil }

func (s *post) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasSuffix(to, "@gone.example") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	s.to = to
	if strings.HasSuffix(to, "@busy.example") && s.office.busy(to) {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "come again"}
	}
	return nil
}

// busy is true the first time that it is asked for an address.
func (p *postOffice) busy(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.asked[address]
	p.asked[address] = true
	return first
}

func (s *post) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err != nil {
		return errors.New("not read")
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.mails[s.to] = append(s.office.mails[s.to], string(mail))
	return nil
}

// Matches go to the addresses of the alerts that matched; a mailbox that is not
// there is disabled, and comes back by resume.
func TestMatchesAreMailed(t *testing.T) {
	t.Parallel()
	office, settings := newPostOffice(t)
	n := newTestNode(t, settings...)
	n.start()
	id := strings.Fields(n.must("", "alert", "add", "--customer", "acme", "--name", "Stolen trailer", "--email", "fleet@EXAMPLE.com",
		"--cc", "nobody@gone.example", "--trailer-number", "T-123"))[1]
	n.must("", "alert", "add", "--customer", "acme", "--name", "Another", "--email", "other@example.com", "--vin", "004352")
	n.must("", "customer", "edit", "acme", "--email", "boss@example.com")
	var boxes struct{ Items []transport.Endpoint }
	if n.call("GET", "/v1/endpoints?kind=email", "", &boxes); len(boxes.Items) != 4 {
		t.Fatalf("%+v", boxes)
	}
	report := `{"run_id":"r","customer_id":1,"alert_type":"normal","alert_details":[{"id":"` + id + `","alert_name":"Stolen trailer","email":"fleet@example.com","cc_emails":["nobody@gone.example"],"is_active":true,"trailer_number":"T-123"}],` +
		`"matches":[{"alert_name":"Stolen trailer","time":"2024-05-21T12:00:00+00:00","city":"Houston","state":"TX","trailer_number":"T-123","alert_id":"` + id + `"}],"total_matches":1,"timestamp":"2024-05-21T12:01:00.123456+00:00"}`
	n.must(report, "publish", "events.acme.alert.matches_found", "-", "--id", "r", "--nats-url", "nats://"+n.nats)
	n.await("the mail", func() bool { return len(office.got("fleet@example.com")) == 1 })
	gone := "/v1/endpoints/" + transport.MailboxID("acme", "nobody@gone.example")
	var box transport.Endpoint
	n.await("the mailbox to be disabled", func() bool {
		n.call("GET", gone, "", &box)
		return box.State == transport.StateDisabled
	})
	n.await("the customer to be told", func() bool {
		for _, mail := range office.got("boss@example.com") {
			if strings.Contains(mail, "410") {
				t.Fatalf("of a mailbox: %s", mail)
			}
			if strings.Contains(mail, "answered 550 5.1.1 to RCPT") && strings.Contains(mail, "nobody@gone.example have stopped") {
				return true
			}
		}
		return false
	})
	if strings.Contains(box.StateReason, "410") || !strings.Contains(box.StateReason, "550 5.1.1") {
		t.Errorf("the mailbox is disabled as %q", box.StateReason)
	}
	if got := office.got("other@example.com"); len(got) != 0 {
		t.Errorf("an alert that did not match was mailed: %s", got)
	}
	if n.call("POST", gone+"/resume", "", &box); box.State != transport.StateActive {
		t.Errorf("%+v", box)
	}
	if status, body := n.call("DELETE", gone, "", nil); status != 409 {
		t.Errorf("%d %s", status, body)
	}
	n.must("", "alert", "remove", id, "--yes")
	if n.call("GET", "/v1/endpoints?kind=email", "", &boxes); len(boxes.Items) != 2 {
		t.Errorf("%+v", boxes)
	}
	if out := n.must("", "audit"); !strings.Contains(out, "adds up") {
		t.Error(out)
	}
	n.terminate()
}
