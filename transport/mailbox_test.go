package transport

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	const ok = ""
	for _, c := range []struct{ address, want, refused string }{
		{"ops@example.com", "ops@example.com", ok},
		{"Ops.Team+alerts@Example.COM", "Ops.Team+alerts@example.com", ok},
		{"o'neil@example.com", "o'neil@example.com", ok},
		{"me@localhost", "me@localhost", ok},
		{"info@BÜCHER.example", "info@bücher.example", ok},
		{"用户@例え.jp", "用户@例え.jp", ok},
		{strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", ok},

		{"", "", "missing"},
		{"ops", "", "not one plain"},
		{"ops@", "", "not one plain"},
		{"@example.com", "", "not one plain"},
		{"ops@example", "", "no domain name"},
		{"ops@example..com", "", "not one plain"},
		{"ops@-example.com", "", "no domain name"},
		{"ops@exa_mple.com", "", "no domain name"},
		{"ops@[127.0.0.1]", "", "no domain name"},
		{"Ops <ops@example.com>", "", "blank"},
		{"<ops@example.com>", "", "not one plain"},
		{`"ops"@example.com`, "", "not one plain"},
		{`"a b"@example.com`, "", "blank"},
		{"ops(x)@example.com", "", "not one plain"},
		{"a@example.com,b@example.com", "", "not one plain"},
		{"ops@example.com\r\nBcc: b@example.com", "", "blank"},
		{"ops@example.com\x00", "", "blank"},
		{"ops@exam\u200bple.com", "", "blank"},
		{"ops\u202e@example.com", "", "blank"},
		{"ops@example.com\xff", "", "blank"},
		{strings.Repeat("a", 65) + "@example.com", "", "65 bytes before the @"},
		{"ops@" + strings.Repeat("a", 64) + ".com", "", "no domain name"},
		{"ops@" + strings.Repeat("a.", 130) + "com", "", "at most 254"},
	} {
		got, err := CheckAddress("email", c.address)
		if c.refused != ok {
			refused(t, err, "email", c.refused)
		} else if err != nil || got != c.want {
			t.Errorf("%q: got %q, %v", c.address, got, err)
		}
	}
}

// A mailbox needs an address, and nothing of HTTP.
func TestMailboxesAsEndpoints(t *testing.T) {
	box := func(change func(*Endpoint)) *Endpoint {
		e := &Endpoint{Customer: "acme", Kind: KindEmail, Address: "ops@example.com", Enabled: true}
		e.ApplyDefaults()
		change(e)
		return e
	}
	e := box(func(*Endpoint) {})
	if err := e.Validate(false); err != nil || len(e.Events) != 1 || e.Events[0] != "alert.matches_found" || len(e.Delivery.Schedule) != 7 || e.Profile != "" || e.Signature.Scheme != "" {
		t.Errorf("%v: %+v", err, e)
	}
	refused(t, box(func(e *Endpoint) { e.Address = "ops" }).Validate(true), "address", "not one plain")
	refused(t, box(func(e *Endpoint) { e.Customer = "a b" }).Validate(true), "customer", "has ' '")
	refused(t, box(func(e *Endpoint) { e.Events = []string{"a..b"} }).Validate(true), "events[0]", "empty word")
	refused(t, box(func(e *Endpoint) { e.Delivery.Concurrency = 0 }).Validate(true), "delivery.concurrency", "out of range")
}

// The ids are promises: they are stored, and must never change.
func TestMailIDs(t *testing.T) {
	const box = "f1007329-c835-5d26-8b58-e47690d5df46"
	for _, address := range []string{"ops@example.com", "ops@EXAMPLE.com"} {
		if got := MailboxID("acme", address); got != box {
			t.Errorf("the mailbox %s has id %s, want %s", address, got, box)
		}
	}
	seen := map[string]string{}
	for name, id := range map[string]string{
		"box": MailboxID("acme", "ops@example.com"), "another customer": MailboxID("acme2", "ops@example.com"),
		"another local part": MailboxID("acme", "Ops@example.com"), "mail": MailID("acme", "ops@example.com"),
		"another mail": MailID("acme\x00", "ops@example.com"),
	} {
		if other, twice := seen[id]; twice {
			t.Errorf("%s and %s have the same id %s", name, other, id)
		}
		seen[id] = name
		if len(id) != 36 || id[14] != '5' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Errorf("%s: %s is no UUIDv5", name, id)
		}
	}
}

// FuzzAddress: what is taken stays the same when taken again, and is one
// address that cannot leave its place in an SMTP command or a header.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"ops@example.com", "a@b.c>\r\nX: y", "Ünï@ÇÖDE.example", `"\r\n"@x.y`, "a@[::1]", "İ@İ.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := CheckAddress("email", s)
		if err != nil {
			var fe *FieldError
			if !errors.As(err, &fe) || fe.Field != "email" {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if strings.ContainsAny(got, " <>\r\n\t,;:\"()[]\\") {
			t.Fatalf("%q was taken", got)
		}
		if parsed, err := mail.ParseAddress(got); err != nil || parsed.Address != got {
			t.Fatalf("%q became %q: %v", s, got, err)
		}
		if again, err := CheckAddress("email", got); err != nil || again != got || MailboxID("a", s) != MailboxID("a", got) {
			t.Fatalf("%q became %q, then %q: %v", s, got, again, err)
		}
	})
}
