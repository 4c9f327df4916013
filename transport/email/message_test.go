package email

import (
	"bytes"
	"context"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// parsed is a mail as its reader's program sees it.
type parsed struct {
	header     mail.Header
	text, html string
}

func parse(t testing.TB, raw []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("a mail of %s: %v", kind, err)
	}
	p := parsed{header: m.Header}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, part := range []struct {
		kind string
		into *string
	}{{"text/plain; charset=UTF-8", &p.text}, {"text/html; charset=UTF-8", &p.html}} {
		next, err := parts.NextPart()
		if err != nil || next.Header.Get("Content-Type") != part.kind {
			t.Fatalf("a part of %v: %v", next, err)
		}
		content, err := io.ReadAll(next) // the reader undoes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		*part.into = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Fatalf("more than two parts: %v", err)
	}
	return p
}

func write(t testing.TB, s *Sender, ev *transport.Event, address string) []byte {
	t.Helper()
	l, err := s.compose(context.Background(), ev, address)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.message(l, ev, transport.MailboxID(ev.Customer, address), address)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestHeaders(t *testing.T) {
	s := words(t)
	ev := eventOf(t, alerts())
	raw := write(t, s, ev, mailbox)
	if again := write(t, s, ev, mailbox); !bytes.Equal(raw, again) {
		t.Error("the mail of another attempt is another mail")
	}
	p := parse(t, raw)
	p.header["Content-Type"] = nil
	want := map[string]string{
		"From": `"Postrider" <alerts@postrider.test>`, "To": "<ops@example.com>", "Reply-To": "<help@postrider.test>",
		"Subject": "4 matches of 3 alerts", "Date": "Tue, 21 May 2024 12:01:00 +0000", "Mime-Version": "1.0",
		"Message-Id":     "<" + transport.MailID("run-1", transport.MailboxID("acme", mailbox)) + "@postrider.test>",
		"Auto-Submitted": "auto-generated", "X-Postrider-Event-Id": "run-1", "Content-Type": "",
	}
	for name, value := range want {
		if got := p.header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if got, want := slices.Sorted(maps.Keys(p.header)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("headers %q, want %q", got, want)
	}
	if other := parse(t, write(t, s, ev, "fleet@example.com")); other.header.Get("Message-Id") == p.header.Get("Message-Id") {
		t.Error("the mails to two mailboxes have one Message-ID")
	}
}

// Every form of mail survives its way: what is read is what was rendered.
func TestPartsArriveWhole(t *testing.T) {
	s := words(t)
	for _, ev := range []*transport.Event{eventOf(t, unicodeReport()), eventOf(t, hostile()), eventOf(t, crowded()), ops("endpoint.failing", frontDesk)} {
		l, err := s.compose(context.Background(), ev, mailbox)
		if err != nil {
			t.Fatal(err)
		}
		raw := write(t, s, ev, mailbox)
		p := parse(t, raw)
		page, err := l.html()
		if err != nil || p.html != page || p.text != l.text() {
			t.Errorf("%s: what arrives is not what was rendered: %v", l.Subject, err)
		}
		for _, row := range bytes.Split(raw, []byte("\r\n")) {
			if len(row) > 998 || bytes.ContainsFunc(row, func(r rune) bool { return r > 126 || r < ' ' && r != '\t' }) {
				t.Fatalf("%s: a line that SMTP may not carry: %q", l.Subject, row)
			}
		}
	}
}

// The largest mail there can be stays below what relays take, 10 MB or more.
func TestSizeIsBounded(t *testing.T) {
	long := strings.Repeat("é<", 500)
	link := "https://example.com/" + strings.Repeat("&'", 1_031)
	r := report(250)
	a := &r.AlertDetails[0]
	a.AlertName, a.Description, a.LicensePlate, a.VIN = long, long, long, long
	for i := range r.Matches {
		m := &r.Matches[i]
		m.City, m.State, m.Road, m.LicensePlate, m.VIN, m.USDOT, m.MC = long, long, long, long, long, long, long
		m.CabNumber, m.TrailerLogo, m.TrailerNumber, m.DeepSearch = long, long, long, long
		m.ResultURL, m.FrontViewURL, m.SideViewURL, m.RearViewURL = link, link, link, link
	}
	if raw := write(t, words(t), eventOf(t, r), mailbox); len(raw) > 8_000_000 {
		t.Errorf("a mail of %d bytes", len(raw))
	} else if len(raw) < 1_000_000 {
		t.Errorf("a mail of %d bytes: this test no longer makes a large one", len(raw))
	} else {
		t.Logf("%d bytes", len(raw))
	}
}

// FuzzMessage: no outside text adds a header or a part.
func FuzzMessage(f *testing.F) {
	f.Add("run-1", "Stolen", "alert.matches_found", `{"name":"x"}`)
	f.Add("a\r\nBcc: b@example.com", "x\r\n\r\nbody", "ops.endpoint.failing", "{\"name\":\"\\r\\nBcc: b@c.d\"}")
	f.Add("=?utf-8?q?=0D=0A?=", strings.Repeat("名", 300), "other\nX: y", `[[[[`)
	s, err := NewSender(Options{Host: "localhost", From: "a@postrider.test", FromName: "Ünï \"x\" <b@c.d>,"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, name, kind, data string) {
		r := report(1)
		r.AlertDetails[0].AlertName, r.Matches[0].City = name, data
		run := eventOf(t, r)
		run.ID = id
		other := &transport.Event{ID: id, Customer: "acme", Type: kind, Time: time.Unix(1_700_000_000, 0), Data: []byte(data)}
		for _, ev := range []*transport.Event{run, other} {
			if ev == other && kind == typeMatches {
				continue
			}
			p := parse(t, write(t, s, ev, mailbox))
			if len(p.header) != 9 || len(p.header["To"]) != 1 || len(p.header["Subject"]) != 1 {
				t.Fatalf("headers %q", p.header)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(p.header.Get("Subject"))
			if err != nil || strings.ContainsAny(subject, "\r\n\x00") {
				t.Fatalf("subject %q: %v", subject, err)
			}
			if to, err := p.header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != mailbox {
				t.Fatalf("to %v: %v", to, err)
			}
			if from, err := p.header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != "a@postrider.test" {
				t.Fatalf("from %v: %v", from, err)
			}
		}
	})
}

func BenchmarkMail(b *testing.B) {
	s := newSender(b, Options{Host: "localhost", From: "a@postrider.test"})
	for name, n := range map[string]int{"1": 1, "200": 200, "100000": 100_000} {
		ev := eventOf(b, report(n))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(int64(len(ev.Data)))
				write(b, s, ev, mailbox)
			}
		})
	}
	ev := eventOf(b, report(100_000))
	b.Run("100000, none of them the mailbox's", func(b *testing.B) {
		target := prepare(b, s, "nobody@example.com", 0)
		b.ReportAllocs()
		for b.Loop() {
			b.SetBytes(int64(len(ev.Data)))
			if a := target.Send(context.Background(), ev, 1); a.Class != transport.Skip {
				b.Fatal(a)
			}
		}
	})
}
