package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// confirmations know the tokens acme, old and full; every other is forged.
type confirmations struct{ confirmed int }

func (c *confirmations) Asked(token string) (transport.Asked, error) {
	switch token {
	case "acme", "full":
		return transport.Asked{Customer: "acme", Name: "Acme <b>&", Address: "ops@example.com", Confirmed: c.confirmed > 0}, nil
	case "old":
		return transport.Asked{}, transport.ErrLinkExpired
	}
	return transport.Asked{}, transport.ErrLinkInvalid
}

func (c *confirmations) Confirm(_ context.Context, token string) (transport.Asked, error) {
	if token == "full" {
		return transport.Asked{}, errors.New("the secret of the disk")
	}
	if _, err := c.Asked(token); err != nil {
		return transport.Asked{}, err
	}
	c.confirmed++
	return c.Asked(token)
}

// The page confirms by its button alone, and has nothing in it but its words.
func TestConfirmationIsAButton(t *testing.T) {
	c := &confirmations{}
	b := start(t, func(o *Options) { o.Confirmations = c })
	for _, step := range []struct {
		method, query string
		status        int
		has           string
		confirmed     int
	}{
		{"GET", "?t=acme", 200, `<form method="post"><button`, 0},
		{"HEAD", "?t=acme", 200, "", 0},
		{"GET", "", 400, "not valid", 0},
		{"GET", "?t=forged", 400, "not valid", 0},
		{"GET", "?t=%zz", 400, "not valid", 0},
		{"POST", "?t=forged", 400, "not valid", 0},
		{"POST", "", 400, "not valid", 0},
		{"GET", "?t=old", 410, "expired", 0},
		{"POST", "?t=old", 410, "expired", 0},
		{"POST", "?t=full", 503, "Try again", 0},
		{"POST", "?t=acme", 200, "<h1>Confirmed</h1>", 1},
		{"POST", "?t=acme", 200, "<h1>Confirmed</h1>", 2},
		{"GET", "?t=acme", 200, "<h1>Confirmed</h1>", 2},
	} {
		got := b.call("", step.method, "/confirm"+step.query, "")
		if got.status != step.status || !strings.Contains(got.body, step.has) || c.confirmed != step.confirmed {
			t.Errorf("%s %s: %d %s, confirmed %d times", step.method, step.query, got.status, got.body, c.confirmed)
		}
		policy := got.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script") ||
			got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %v", step.method, step.query, got.header)
		}
		if strings.Contains(got.body, "<b>") || strings.Contains(got.body, "<script") || strings.Contains(got.body, "secret") {
			t.Errorf("%s %s: %s", step.method, step.query, got.body)
		}
	}
	if got := b.call("", "PUT", "/confirm", ""); got.status != 405 {
		t.Errorf("PUT: %d", got.status)
	}
	if got := start(t, nil).call("", "GET", "/confirm?t=acme", ""); got.status != 404 {
		t.Errorf("where nothing has to be confirmed: %d %s", got.status, got.body)
	}
}
