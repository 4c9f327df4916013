package webhook

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// The fingerprint of an attempt's settings is another where address or headers
// are, and hangs on no secret.
func TestSettingsTellAddressAndHeaders(t *testing.T) {
	sender := newSender(t)
	ep := *newEndpoint("https://hooks.example.com/a", func(e *transport.Endpoint) {
		e.Signature = transport.Signature{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha256", Encoding: "hex"}
		e.Headers = map[string]string{"X-Key": "one"}
	})
	of := func(change func(*transport.Endpoint)) *Preview {
		t.Helper()
		next := ep
		change(&next)
		target, err := sender.Prepare(&next)
		if err != nil {
			t.Fatal(err)
		}
		defer target.Close()
		p, refused := target.Preview(newEvent(), time.Unix(1, 0))
		if p == nil {
			t.Fatal(refused)
		}
		return p
	}
	was := of(func(*transport.Endpoint) {})
	if was.Settings == 0 || !slices.Equal(was.Signatures, []string{"X-Signature"}) {
		t.Errorf("%+v", was)
	}
	for name, change := range map[string]func(*transport.Endpoint){
		"a name":  func(e *transport.Endpoint) { e.Name, e.Revision = "another", 8 },
		"a key":   func(e *transport.Endpoint) { e.Secrets.Current = "fedcba9876543210" },
		"a value": func(e *transport.Endpoint) { e.Headers = map[string]string{"X-Key": "two"} },
	} {
		if got := of(change); got.Settings != was.Settings {
			t.Errorf("%s counts as another address or other headers", name)
		}
	}
	for name, change := range map[string]func(*transport.Endpoint){
		"a path":      func(e *transport.Endpoint) { e.URL += "/b" },
		"a header":    func(e *transport.Endpoint) { e.Headers = map[string]string{"X-Other": "one"} },
		"a signature": func(e *transport.Endpoint) { e.Signature.Header = "X-Other-Signature" },
	} {
		if got := of(change); got.Settings == was.Settings {
			t.Errorf("%s does not count", name)
		}
	}
}
