package email

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestAQuestionIsAMailWithALink(t *testing.T) {
	s := words(t)
	q := &Question{ID: "confirm-1", At: linkNow, Name: "Acme Trucking, Inc.", Link: "https://hooks.example.com/confirm?t=AbC-_1", Until: linkUntil}
	l := s.question("acme", mailbox, q)
	page, err := l.html()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "question.txt", "Subject: "+line(l.Subject, maxSubject)+"\n\n"+l.text())
	golden(t, "question.html", page)
}

// What a customer calls itself is told where it is a name and nothing more.
func TestPlainNames(t *testing.T) {
	for name, want := range map[string]string{
		"":                         "acme",
		"Acme":                     "Acme",
		" Acme \n Trucking ":       "Acme Trucking",
		"Müller & Söhne (Köln)":    "Müller & Söhne (Köln)",
		"O'Neil, Inc.":             "O'Neil, Inc.",
		"St. Mary's":               "St. Mary's",
		"شركة النقل":               "شركة النقل",
		"evil.example":             "acme",
		"see https://evil.test":    "acme",
		"you won: call 1":          "acme",
		"a@b":                      "acme",
		"<b>x</b>":                 "acme",
		"x\u202ey":                 "acme",
		"\xff":                     "acme",
		"x\x00":                    "acme",
		"!":                        "acme",
		strings.Repeat("a", 61):    "acme",
		"a/b":                      "acme",
		"Acme .":                   "Acme .",
		"Acme。example":             "acme",
		"www evil" + "\u200b" + "": "acme",
	} {
		if got := plainName(name, "acme"); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAsking(t *testing.T) {
	relay := (&server{}).serve(t, nil, false)
	s := newSender(t, options(relay.addr))
	ep := &transport.Endpoint{ID: transport.MailboxID("acme", mailbox), Customer: "acme", Kind: transport.KindEmail, Address: mailbox}
	q := &Question{ID: "confirm-1", At: linkNow, Name: "<script>", Link: "https://hooks.example.com/confirm?t=AbC", Until: linkUntil}
	if a := s.Ask(context.Background(), ep, q); a.Class != transport.Delivered {
		t.Fatalf("%+v", a)
	}
	mails, _ := relay.took()
	if len(mails) != 1 || mails[0].To != mailbox || strings.Contains(mails[0].Raw, "<script>") ||
		!strings.Contains(mails[0].Raw, "Subject: Confirm this mail address") || !strings.Contains(mails[0].Raw, "Auto-Submitted: auto-generated") {
		t.Errorf("%+v", mails)
	}
	ep.Address = "nobody"
	if a := s.Ask(context.Background(), ep, q); a.Class != transport.Refused {
		t.Errorf("no address: %+v", a)
	}
	ended, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	ep.Address = mailbox
	if a := s.Ask(ended, ep, q); a.Class == transport.Delivered {
		t.Errorf("no time left: %+v", a)
	}
}
