package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

var (
	linkNow   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	linkUntil = linkNow.Add(time.Hour)
	masterA   = bytes.Repeat([]byte{1}, 32)
	masterB   = bytes.Repeat([]byte{2}, 32)
)

func newLinks(t testing.TB, master, previous []byte) *Links {
	t.Helper()
	l, err := NewLinks("https://hooks.example.com/postrider/", master, previous)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tokenOf takes a link apart.
func tokenOf(t testing.TB, made string) string {
	t.Helper()
	u, err := url.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(LinkParameter)
}

func TestLinksAreReadAsMade(t *testing.T) {
	l := newLinks(t, masterA, nil)
	for _, address := range []string{"ops@example.com", "ops+tag@sub.example.com", strings.Repeat("&", 64) + "@example.com", "größe@münchen.example",
		"a@" + strings.Repeat("b.", 120) + "example"} {
		made := l.Make("acme", address, linkUntil)
		if !strings.HasPrefix(made, "https://hooks.example.com/postrider/confirm?t=") || safeURL(made) != made || strings.Contains(made, "example.com/ops") {
			t.Errorf("%q", made)
		}
		customer, read, err := l.Read(tokenOf(t, made), linkUntil.Add(-time.Second))
		if err != nil || customer != "acme" || read != address {
			t.Errorf("%s: got %s of %s, %v", address, read, customer, err)
		}
		if _, _, err := l.Read(tokenOf(t, made), linkUntil); !errors.Is(err, transport.ErrLinkExpired) {
			t.Errorf("%s at its end: %v", address, err)
		}
	}
	one := l.Make("acme", "a@example.com", linkUntil)
	if another := l.Make("acme", "a@example.com", linkUntil); one == another {
		t.Error("two links are the same")
	}
}

func TestLinksOutliveANewMasterKeyOnce(t *testing.T) {
	old := tokenOf(t, newLinks(t, masterA, nil).Make("acme", "a@example.com", linkUntil))
	if _, _, err := newLinks(t, masterB, masterA).Read(old, linkNow); err != nil {
		t.Errorf("with the key before: %v", err)
	}
	if _, _, err := newLinks(t, masterB, nil).Read(old, linkNow); !errors.Is(err, transport.ErrLinkInvalid) {
		t.Errorf("with another key: %v", err)
	}
}

func TestForgedLinksAreRefused(t *testing.T) {
	l := newLinks(t, masterA, nil)
	good := tokenOf(t, l.Make("acme", "a@example.com", linkUntil))
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	forged := []string{"", "x", good[:len(good)-1], good + "A", good + "=", good[1:], strings.Repeat("A", 40), strings.Repeat("A", 1<<20), "\xff", good + "\n"}
	for i := range raw {
		next := bytes.Clone(raw)
		next[i] ^= 1
		forged = append(forged, base64.RawURLEncoding.EncodeToString(next))
	}
	other, err := transport.DeriveAEAD(masterA, "postrider: session cookie")
	if err != nil {
		t.Fatal(err)
	}
	seal := func(with interface {
		Seal(dst, nonce, plain, more []byte) []byte
	}, plain string) string {
		nonce := make([]byte, 12)
		return base64.RawURLEncoding.EncodeToString(with.Seal(nonce, nonce, []byte(plain), nil))
	}
	const plain = `{"c":"acme","a":"a@example.com","u":99999999999}`
	if _, _, err := l.Read(seal(l.seal, plain), linkNow); err != nil {
		t.Fatalf("what is ours: %v", err)
	}
	forged = append(forged, seal(other, plain), seal(l.seal, "{"), seal(l.seal, `{"c":"a.b","a":"a@example.com","u":99999999999}`),
		seal(l.seal, `{"c":"acme","a":"nobody","u":99999999999}`))
	for _, token := range forged {
		if customer, address, err := l.Read(token, linkNow); !errors.Is(err, transport.ErrLinkInvalid) || customer+address != "" {
			t.Errorf("%.60q: got %s %s, %v", token, customer, address, err)
		}
	}
}

func TestLinksNeedAKeyAndAnAddress(t *testing.T) {
	for base, field := range map[string]string{"ftp://x": "http.public_url", "": "http.public_url", "https://u:p@x": "http.public_url"} {
		var wrong *transport.FieldError
		if _, err := NewLinks(base, masterA, nil); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := NewLinks("https://x", nil, masterA); err == nil {
		t.Error("no key")
	}
}

// FuzzLink: whatever a link holds, what is read is a customer and an address,
// before its end; and what nobody sealed is never read.
func FuzzLink(f *testing.F) {
	l := newLinks(f, masterA, nil)
	good := tokenOf(f, l.Make("acme", "a@example.com", linkUntil))
	f.Add(good, `{"c":"acme","a":"a@example.com","u":99999999999}`)
	f.Add(good[:len(good)-2], `{"c":"acme","a":"a@example.com","u":99999999999,"x":1}`)
	f.Add("AAAA", `{"c":"acme","a":"a@example.com","u":-1}`)
	f.Add("", `{"c":null,"a":["x"],"u":1e9}`)
	f.Fuzz(func(t *testing.T, token, plain string) {
		if _, _, err := l.Read(token, linkNow); err == nil && token != good {
			t.Fatalf("%q is read", token)
		}
		nonce := make([]byte, l.seal.NonceSize())
		sealed := base64.RawURLEncoding.EncodeToString(l.seal.Seal(nonce, nonce, []byte(plain), nil))
		customer, address, err := l.Read(sealed, linkNow)
		if err != nil {
			if customer+address != "" {
				t.Fatalf("%s %s with %v", customer, address, err)
			}
			return
		}
		if _, wrong := transport.CheckAddress("address", address); wrong != nil || transport.CheckCustomer(customer) != nil {
			t.Fatalf("%q of %q", address, customer)
		}
	})
}
