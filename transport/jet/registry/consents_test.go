package registry

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestAConsentOutlivesARestartAndHoldsForItsMailboxAlone(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	c, err := s.Consents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const address = "owner@example.com"
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if none := c.Of("acme", address); none != (transport.Consent{}) {
		t.Errorf("before: %+v", none)
	}
	var all sync.WaitGroup
	for range 8 { // asked and confirmed at once: nothing is lost
		all.Go(func() {
			if err := c.Change(ctx, "acme", address, func(k *transport.Consent) { k.Mails++; k.At = at }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := c.Change(ctx, "acme", address, func(k *transport.Consent) { k.Confirmed = at }); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if err := c.Change(ctx, "other", "b@example.com", func(k *transport.Consent) { k.At = at.Add(-time.Hour) }); err != nil {
		t.Fatal(err)
	}
	again, err := s.Consents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := transport.Consent{Customer: "acme", Confirmed: at, Mails: 8, At: at}
	for when, c := range map[string]*Consents{"at once": c, "read again": again} {
		if got := c.Of("acme", address); got != want {
			t.Errorf("%s: %+v", when, got)
		}
		if got := c.Of("other", address); got != (transport.Consent{}) {
			t.Errorf("%s, of another customer: %+v", when, got)
		}
		if counts := c.AskedSince(at); counts["acme"] != 1 || counts["other"] != 0 {
			t.Errorf("%s: asked %v", when, counts)
		}
	}
	revision, err := s.conn.LastSequence(ctx, "KV_"+BucketConsents)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Change(ctx, "acme", address, func(k *transport.Consent) { k.Confirmed = at }); err != nil {
		t.Fatal(err)
	}
	if after, err := s.conn.LastSequence(ctx, "KV_"+BucketConsents); err != nil || after != revision {
		t.Errorf("what was confirmed is written again: %d, %d, %v", revision, after, err)
	}
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: "KV_" + BucketConsents, Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
		if strings.Contains(m.Subject+string(m.Data), "owner") || strings.Contains(m.Subject+string(m.Data), "example") {
			return errors.New("an address lies open: " + m.Subject + " " + string(m.Data))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
