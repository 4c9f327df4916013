package transport

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// valid is a new endpoint with nothing wrong.
func valid(profile string) *Endpoint {
	e := &Endpoint{Customer: "acme", URL: "https://example.com/hook", Profile: profile, Enabled: true}
	e.ApplyDefaults()
	return e
}

func TestDefaultsByProfile(t *testing.T) {
	standard := waits(5*time.Second, 5*time.Minute, 30*time.Minute, 2*time.Hour, 5*time.Hour, 10*time.Hour, 10*time.Hour)
	for _, c := range []struct {
		profile, format, version, scheme, success string
		events                                    int
		schedule                                  []Duration
		jitter                                    float64
	}{
		{"genea", "genea", "v2", "sequr", "200", 8, waits(10*time.Second, 10*time.Second, 10*time.Second), 0},
		{"genlogs", "genlogs", "", "genlogs", "2xx", 1, standard, 0.2},
		{"standard", "standard", "", "standard", "2xx", 1, standard, 0.2},
		{"custom", "raw", "", "hmac", "2xx", 1, standard, 0.2},
	} {
		e := valid(c.profile)
		d := e.Delivery
		if e.Format != c.format || e.Version != c.version || e.Signature.Scheme != c.scheme || d.Success != c.success ||
			len(e.Events) != c.events || !reflect.DeepEqual(d.Schedule, c.schedule) || d.Jitter != c.jitter {
			t.Errorf("%s: %+v", c.profile, e)
		}
		if d.Timeout != Duration(15*time.Second) || d.Concurrency != 8 || d.MaxWaiting != 1_000_000 {
			t.Errorf("%s: %+v", c.profile, d)
		}
		if err := e.Validate(false); err != nil {
			t.Errorf("%s: its own defaults are refused: %v", c.profile, err)
		}
		e.Delivery.Schedule[0], e.Events[0] = 1, "changed"
		if again := valid(c.profile); again.Delivery.Schedule[0] == 1 || again.Events[0] == "changed" {
			t.Errorf("%s: endpoints share their defaults", c.profile)
		}
	}
	if e := valid(""); e.Profile != ProfileStandard {
		t.Errorf("no profile became %q", e.Profile)
	}
}

func TestDefaultsLeaveWhatIsGiven(t *testing.T) {
	e := &Endpoint{Profile: "genea", Format: "raw", Events: []string{"x.>"}, Signature: Signature{Scheme: "none"},
		Delivery: Delivery{Schedule: []Duration{}, Jitter: 0.5, Timeout: Duration(time.Second), Success: "2xx", Concurrency: 1}}
	e.ApplyDefaults()
	want := Delivery{Schedule: []Duration{}, Jitter: 0.5, Timeout: Duration(time.Second), Success: "2xx", Concurrency: 1, MaxWaiting: DefaultMaxWaiting}
	if !reflect.DeepEqual(e.Delivery, want) || e.Format != "raw" || e.Version != "" || e.Events[0] != "x.>" || e.Signature.Scheme != "none" {
		t.Errorf("%+v", e)
	}
}

// TestRefused is what an endpoint may not be: the field that is named, and a
// word of the message.
func TestRefused(t *testing.T) {
	many := func(n int) []string { return strings.Split(strings.Repeat("a.b,", n-1)+"a.b", ",") }
	for _, c := range []struct {
		field, word string
		spoil       func(*Endpoint)
	}{
		{"customer", "empty", func(e *Endpoint) { e.Customer = "" }},
		{"customer", "' '", func(e *Endpoint) { e.Customer = "a b" }},
		{"name", "at most 200", func(e *Endpoint) { e.Name = strings.Repeat("ä", 201) }},
		{"name", "control", func(e *Endpoint) { e.Name = "a\x00" }},
		{"description", "at most 2000", func(e *Endpoint) { e.Description = strings.Repeat("a", 2001) }},
		{"profile", "genlogs", func(e *Endpoint) { e.Profile = "other" }},
		{"format", "cloudevents", func(e *Endpoint) { e.Format = "xml" }},
		{"version", "genea alone", func(e *Endpoint) { e.Version = "v2" }},
		{"version", "choose v1 (VertX hardware), v2 (Mercury) or v3 (both)", func(e *Endpoint) { e.Format, e.Version = "genea", "v4" }},
		{"delivery.rate", "out of range", func(e *Endpoint) { e.Delivery.Rate = -1 }},
		{"delivery.rate", "out of range", func(e *Endpoint) { e.Delivery.Rate = 0.0001 }},
		{"delivery.rate", "out of range", func(e *Endpoint) { e.Delivery.Rate = MaxRate + 1 }},
		{"delivery.rate", "out of range", func(e *Endpoint) { e.Delivery.Rate = math.NaN() }},
		{"delivery.burst", "belongs to a rate", func(e *Endpoint) { e.Delivery.Burst = 1 }},
		{"delivery.burst", "out of range", func(e *Endpoint) { e.Delivery.Rate, e.Delivery.Burst = 1, MaxBurst+1 }},
		{"delivery.max_waiting", "out of range", func(e *Endpoint) { e.Delivery.MaxWaiting = -1 }},
		{"delivery.max_waiting", "out of range", func(e *Endpoint) { e.Delivery.MaxWaiting = MaxWaitingEvents + 1 }},
		{"events", "at least one", func(e *Endpoint) { e.Events = []string{} }},
		{"events", "at most 100", func(e *Endpoint) { e.Events = many(101) }},
		{"events[1]", "empty word", func(e *Endpoint) { e.Events = []string{"a", "a..b"} }},
		{"events[0]", "last word", func(e *Endpoint) { e.Events = []string{">.a"} }},
		{"secret", "16 or more", func(e *Endpoint) { e.Secrets.Current = "abc" }},
		{"secret", "at most", func(e *Endpoint) { e.Secrets.Current = strings.Repeat("a", 1025) }},
		{"signature.scheme", "choose", func(e *Endpoint) { e.Signature.Scheme = "md5" }},
		{"signature.header", "missing", func(e *Endpoint) { e.Signature = Signature{Scheme: "hmac"} }},
		{"signature.header", "header name", func(e *Endpoint) { e.Signature = Signature{Scheme: "hmac", Header: "a b"} }},
		{"signature.algorithm", "sha256", func(e *Endpoint) { e.Signature.Algorithm = "md5" }},
		{"signature.encoding", "base64", func(e *Endpoint) { e.Signature.Encoding = "hax" }},
		{"signature.prefix", "printable", func(e *Endpoint) { e.Signature.Prefix = "a\n" }},
		{"delivery.timeout", "1s to 60s", func(e *Endpoint) { e.Delivery.Timeout = Duration(999 * time.Millisecond) }},
		{"delivery.timeout", "1s to 60s", func(e *Endpoint) { e.Delivery.Timeout = Duration(61 * time.Second) }},
		{"delivery.concurrency", "1 to 256", func(e *Endpoint) { e.Delivery.Concurrency = 257 }},
		{"delivery.concurrency", "1 to 256", func(e *Endpoint) { e.Delivery.Concurrency = -1 }},
		{"delivery.jitter", "0 to 0.5", func(e *Endpoint) { e.Delivery.Jitter = 0.51 }},
		{"delivery.jitter", "0 to 0.5", func(e *Endpoint) { e.Delivery.Jitter = math.NaN() }},
		{"delivery.success", "2xx", func(e *Endpoint) { e.Delivery.Success = "3xx" }},
		{"delivery.max_age", "negative", func(e *Endpoint) { e.Delivery.MaxAge = -1 }},
		{"delivery.schedule", "at most 30", func(e *Endpoint) { e.Delivery.Schedule = make([]Duration, 31) }},
		{"delivery.schedule[1]", "24h", func(e *Endpoint) { e.Delivery.Schedule = waits(1, 25*time.Hour) }},
		{"delivery.schedule[0]", "more than 0s", func(e *Endpoint) { e.Delivery.Schedule = waits(0) }},
		{"headers", "at most 50", func(e *Endpoint) {
			e.Headers = map[string]string{}
			for i := range 51 {
				e.Headers["X-"+strings.Repeat("a", i+1)] = "b"
			}
		}},
		{"headers", "no header's", func(e *Endpoint) { e.Headers = map[string]string{"a:b": ""} }},
		{"headers", "no header's", func(e *Endpoint) { e.Headers = map[string]string{"": ""} }},
		{"headers.content-length", "sender itself", func(e *Endpoint) { e.Headers = map[string]string{"content-length": "1"} }},
		{"headers.HOST", "sender itself", func(e *Endpoint) { e.Headers = map[string]string{"HOST": "1"} }},
		{"headers.Proxy-X", "sender itself", func(e *Endpoint) { e.Headers = map[string]string{"Proxy-X": "1"} }},
		{"headers.Webhook-Id", "sender itself", func(e *Endpoint) { e.Headers = map[string]string{"Webhook-Id": "1"} }},
		{"headers.x-sig-previous", "sender itself", func(e *Endpoint) {
			e.Signature = Signature{Scheme: "hmac", Header: "X-Sig"}
			e.Headers = map[string]string{"x-sig-previous": "1"}
		}},
		{"headers.x-a", "twice", func(e *Endpoint) { e.Headers = map[string]string{"X-A": "1", "x-a": "1"} }},
		{"headers.X-A", "control", func(e *Endpoint) { e.Headers = map[string]string{"X-A": "a\r\nHost: b"} }},
		{"headers.X-A", "at most 4096", func(e *Endpoint) { e.Headers = map[string]string{"X-A": strings.Repeat("a", 4097)} }},
		{"headers.X-A", "mask", func(e *Endpoint) { e.Headers = map[string]string{"X-A": "***"} }},
		{"headers.X-A", "blank", func(e *Endpoint) { e.Headers = map[string]string{"X-A": " a"} }},
		{"tls.client_key", "missing", func(e *Endpoint) { e.TLS.ClientCertificate = "x" }},
		{"tls.client_certificate", "missing", func(e *Endpoint) { e.TLS.ClientKey = "x" }},
		{"tls.client_certificate", "PEM", func(e *Endpoint) { e.TLS.ClientKey, e.TLS.ClientCertificate = "x", "x" }},
		{"tls.ca", "no certificate", func(e *Endpoint) { e.TLS.CA = "x" }},
		{"tls.ca", "at most", func(e *Endpoint) { e.TLS.CA = strings.Repeat("x", 70000) }},
	} {
		e := valid("standard")
		c.spoil(e)
		refused(t, e.Validate(false), c.field, c.word)
	}
}

func refused(t *testing.T, err error, field, word string) {
	t.Helper()
	var fe *FieldError
	switch {
	case !errors.As(err, &fe):
		t.Errorf("%s (%s): got %v, want a FieldError", field, word, err)
	case fe.Field != field || !strings.Contains(fe.Message, word):
		t.Errorf("got %v, want %s: …%s…", err, field, word)
	}
}

func TestURLs(t *testing.T) {
	const ok = ""
	for _, c := range []struct{ url, production, dev string }{
		{"https://example.com/hook?x=1", ok, ok},
		{"https://example.com:8443", ok, ok},
		{"https://8.8.8.8/", ok, ok},
		{"https://[2606:4700:4700::1111]/", ok, ok},
		{"http://example.com/", "encrypted", ok},
		{"https://127.0.0.1/", "no public", ok},
		{"https://10.1.2.3/", "no public", ok},
		{"https://169.254.169.254/latest", "no public", "no public"},
		{"https://100.64.0.1/", "no public", ok},
		{"https://0.0.0.0/", "no public", "no public"},
		{"https://[::1]/", "no public", ok},
		{"https://[::ffff:8.8.8.8]/", "no public", "no public"},
		{"https://[64:ff9b::808:808]/", "no public", "no public"},
		{"https://[2002:808:808::1]/", "no public", "no public"},
		{"https://[fe80::1]/", "no public", ok},
		{"https://[fd00::1]/", "no public", ok},
		{"https://localhost/", "itself", ok},
		{"https://a.LOCALHOST./", "itself", ok},
		{"https://2130706433/", "usual form", ok},
		{"https://127.1/", "usual form", ok},
		{"https://0x7f.0x1/", "usual form", ok},
		{"", "missing", "missing"},
		{"https://", "no host", "no host"},
		{"https://:443/", "no host", "no host"},
		{"https://example.com:0/", "bad port", "bad port"},
		{"https://example.com:/", "bad port", "bad port"},
		{"https://example.com:99999/", "bad port", "bad port"},
		{"ftp://example.com/", "https", "https"},
		{"example.com/hook", "https", "https"},
		{"//example.com/", "https", "https"},
		{"https://user:secretpassword@example.com/", "user info", "user info"},
		{"https://example.com/#a", "fragment", "fragment"},
		{"https://example.com/#", "fragment", "fragment"},
		{"https://example.com/a b", "space", "space"},
		{"https://example.com/\x7f", "space", "space"},
		{"https://exa%mple.com/", "not a URL", "not a URL"},
		{"https://example.com/" + strings.Repeat("a", 2083), "at most 2083", "at most 2083"},
	} {
		for dev, word := range map[bool]string{false: c.production, true: c.dev} {
			err := checkURL(c.url, dev, nil)
			if word == ok && err != nil {
				t.Errorf("%s (dev %v): %v", c.url, dev, err)
			}
			if word != ok {
				refused(t, err, "url", word)
			}
			if err != nil && strings.Contains(err.Error(), "secretpassword") {
				t.Errorf("a password in %v", err)
			}
		}
	}
}

func TestAllowedNetworksArePublicEnough(t *testing.T) {
	e := valid("standard")
	e.URL = "https://10.1.2.3/"
	if err := e.Validate(false, netip.MustParsePrefix("10.0.0.0/8")); err != nil {
		t.Error(err)
	}
	refused(t, e.Validate(false, netip.MustParsePrefix("10.2.0.0/16")), "url", "no public")
}

func TestDurationsAreWrittenShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: `""`, 10 * time.Second: `"10s"`, 5 * time.Minute: `"5m"`,
		2 * time.Hour: `"2h"`, 90 * time.Minute: `"1h30m"`, 3605 * time.Second: `"1h0m5s"`, 100 * time.Second: `"1m40s"`} {
		raw, err := json.Marshal(Duration(d))
		var back Duration
		if err != nil || string(raw) != want || json.Unmarshal(raw, &back) != nil || time.Duration(back) != d {
			t.Errorf("%s became %s (%v) and %s", d, raw, err, time.Duration(back))
		}
	}
}

// FuzzEndpoint: whatever JSON says, defaults and checks do not panic, and
// what is found wrong is told by field.
func FuzzEndpoint(f *testing.F) {
	f.Add(`{"customer":"acme","url":"https://example.com","profile":"genea","headers":{"a":"b"}}`)
	f.Add(`{"customer":"acme","url":"https://[::1%25a]:1/","delivery":{"schedule":["1s"],"jitter":0.3},"tls":{"ca":"-----BEGIN CERTIFICATE-----"}}`)
	f.Add(`{"events":[">","*.a",""],"signature":{"scheme":"hmac","header":"X"},"filter":"x","body":{}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var e Endpoint
		if json.Unmarshal([]byte(raw), &e) != nil {
			return
		}
		e.ApplyDefaults()
		for _, dev := range []bool{false, true} {
			var fe *FieldError
			if err := e.Validate(dev); err != nil && !(errors.As(err, &fe) && fe.Field != "" && fe.Message != "") {
				t.Errorf("%v is no FieldError", err)
			}
		}
	})
}
