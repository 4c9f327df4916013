package node

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestTrustedDomains(t *testing.T) {
	domains := []string{"example.com", "EXAMPLE.org", "münchen.example"}
	for address, want := range map[string]bool{
		"a@example.com": true, "a@example.org": true, "a@MÜNCHEN.example": true,
		"a@sub.example.com": false, "a@example.com.evil.test": false, "a@notexample.com": false, "example.com@evil.test": false,
	} {
		if got := trustedAddress(address, domains); got != want {
			t.Errorf("%s: trusted %v", address, got)
		}
	}
	if trustedAddress("a@example.com", nil) {
		t.Error("trusted by nobody")
	}
}

func TestWhenAMailboxIsAsked(t *testing.T) {
	at := mailNow
	for name, c := range map[string]struct {
		consent transport.Consent
		waits   bool
		after   time.Duration // from at
		want    bool
	}{
		"never asked":                       {transport.Consent{}, false, -1, true},
		"confirmed":                         {transport.Consent{Confirmed: at}, true, 0, false},
		"confirmed after it was asked":      {transport.Consent{Confirmed: at, Mails: 1, At: at, Accepted: true}, true, 0, false},
		"asked, nothing waits":              {transport.Consent{Mails: 1, At: at, Accepted: true}, false, 0, false},
		"asked, something waits":            {transport.Consent{Mails: 1, At: at, Accepted: true}, true, askAgain, true},
		"asked often, something waits":      {transport.Consent{Mails: mostAsks, At: at, Accepted: true}, true, askRest, true},
		"asked often, nothing waits":        {transport.Consent{Mails: mostAsks, At: at, Accepted: true}, false, 0, false},
		"died while asking":                 {transport.Consent{Mails: 1, At: at}, false, askFailed, true},
		"died while asking, again and more": {transport.Consent{Mails: mostAsks, At: at}, true, askRest, true},
		"not taken twice":                   {transport.Consent{At: at, Failed: 2}, false, 4 * askFailed, true},
		"not taken very often":              {transport.Consent{At: at, Failed: 1000}, true, askFailedMost, true},
	} {
		got, due := askAt(c.consent, c.waits)
		if due != c.want || due && c.after >= 0 && !got.Equal(at.Add(c.after)) || c.after < 0 && !got.IsZero() {
			t.Errorf("%s: %v at %s", name, due, got)
		}
	}
}

// In a year in which something waits all the time, a mailbox that never
// confirms is asked a day apart at least, and five times in 30 days at most,
// whether or not the node dies at each of them.
func TestAMailboxIsNotAskedWithoutEnd(t *testing.T) {
	for _, dies := range []bool{false, true} {
		var c transport.Consent
		var sent []time.Time
		for now := mailNow; now.Before(mailNow.Add(365 * 24 * time.Hour)); now = now.Add(time.Minute) {
			at, due := askAt(c, true)
			if !due || now.Before(at) {
				continue
			}
			asking(&c, now)
			sent = append(sent, now)
			if !dies {
				wasAsked(&c, transport.Delivered)
			}
		}
		for i := range sent {
			if !dies && i > 0 && sent[i].Sub(sent[i-1]) < askAgain {
				t.Fatalf("asked at %s and %s", sent[i-1], sent[i])
			}
			if i >= mostAsks && sent[i].Sub(sent[i-mostAsks]) < askRest {
				t.Fatalf("dies %v: %d mails from %s to %s", dies, mostAsks+1, sent[i-mostAsks], sent[i])
			}
		}
		if len(sent) < mostAsks*10 {
			t.Errorf("dies %v: asked %d times", dies, len(sent))
		}
	}
}

func TestWhatCameOfAQuestion(t *testing.T) {
	for class, want := range map[transport.Class]transport.Consent{
		transport.Delivered: {Mails: 1, At: mailNow, Accepted: true},
		transport.Gone:      {Mails: 1, At: mailNow, Accepted: true},
		transport.Failed:    {At: mailNow, Failed: 3},
		transport.Refused:   {At: mailNow, Failed: 3},
		transport.Aborted:   {At: mailNow, Failed: 3},
	} {
		c := transport.Consent{Failed: 2}
		asking(&c, mailNow)
		if wasAsked(&c, class); c != want {
			t.Errorf("%s: %+v", class, c)
		}
	}
}

// A mailbox that must be confirmed waits from its first change on, comes back
// to waiting from whatever it was disabled for, and goes on once confirmed.
func TestAMailboxWaitsUntilItIsConfirmed(t *testing.T) {
	m, w := testMailboxes()
	held := true
	m.held = func(customer, address string) bool { return held && customer == "acme" && address == "ops@example.com" }
	m.alertChanged(alertFor("1", "ops@example.com", "boss@example.com"))
	id, other, ctx := transport.MailboxID("acme", "ops@example.com"), transport.MailboxID("acme", "boss@example.com"), context.Background()
	check := func(step, state, reason string) {
		t.Helper()
		if ep := w[id]; ep.State != state || ep.StateReason != reason || w[other].State != transport.StateActive {
			t.Errorf("%s: %s %q, the other %s", step, ep.State, ep.StateReason, w[other].State)
		}
	}
	check("made", "paused", "mailbox_unconfirmed")
	m.customerChanged(&transport.Customer{ID: "acme", Email: "ops@example.com"})
	check("with another reason to be", "paused", "mailbox_unconfirmed")
	if _, err := m.SetState(ctx, id, transport.StateDisabled, "gone"); err != nil {
		t.Fatal(err)
	}
	m.confirmed("acme", "ops@example.com")
	check("confirmed while disabled", "disabled", "gone")
	if err := m.ResumeMailbox(ctx, id); err != nil {
		t.Fatal(err)
	}
	check("resumed", "paused", "mailbox_unconfirmed")
	m.confirmed("other", "ops@example.com")
	check("another customer's confirmed", "paused", "mailbox_unconfirmed")
	held = false
	m.confirmed("acme", "ops@example.com")
	check("confirmed", "active", "")
	m.confirmed("acme", "nobody@example.com")
	m.alertChanged(alertFor("2", "ops@example.com"))
	check("named again", "active", "")
}
