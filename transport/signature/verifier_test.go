package signature_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

func set(name, value string) func(http.Header) {
	return func(h http.Header) { h.Set(name, value) }
}

func del(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }

func edit(name string, change func(string) string) func(http.Header) {
	return func(h http.Header) { h.Set(name, change(h.Get(name))) }
}

func without(prefix string) func(string) string {
	return func(s string) string { return strings.TrimPrefix(s, prefix) }
}

// Each row signs {"a":1} with the scheme's secret, changes the headers, and
// tells what Verify says.
func TestVerify(t *testing.T) {
	const sequr, genlogs, standard = "X-Sequr-Signature", "X-GenLogs-Signature", "webhook-signature"
	mine := config{Scheme: "hmac", Header: "X-Mine", Encoding: "base64", Prefix: "s="}
	ed := config{Scheme: "standard"}
	same := func(http.Header) {}
	zeros := "v1," + strings.Repeat("A", 43) + "="

	for _, c := range []struct {
		name           string
		config         signature.Config
		secret, verify string
		change         func(http.Header)
		want           error
		remedy         string
	}{
		{"sequr", config{Scheme: "sequr"}, plainSecret, plainSecret, same, nil, ""},
		{"sequr, wrong secret", config{Scheme: "sequr"}, plainSecret, otherSecret, same, signature.ErrMismatch, "raw bytes"},
		{"sequr, no header", config{Scheme: "sequr"}, plainSecret, plainSecret, del(sequr), signature.ErrMissing, "no X-Sequr-Signature"},
		{"sequr, empty header", config{Scheme: "sequr"}, plainSecret, plainSecret, set(sequr, ""), signature.ErrMissing, "no X-Sequr-Signature"},
		{"sequr, twice", config{Scheme: "sequr"}, plainSecret, plainSecret, func(h http.Header) { h.Add(sequr, h.Get(sequr)) }, signature.ErrMalformed, "more than once"},
		{"sequr, without prefix", config{Scheme: "sequr"}, plainSecret, plainSecret, edit(sequr, without("sha1=")), signature.ErrMalformed, `"sha1=" and 40 lower-case hex digits`},
		{"sequr, upper case", config{Scheme: "sequr"}, plainSecret, plainSecret, edit(sequr, strings.ToUpper), signature.ErrMalformed, "lower-case"},
		{"sequr, cut short", config{Scheme: "sequr"}, plainSecret, plainSecret, edit(sequr, func(s string) string { return s[:len(s)-2] }), signature.ErrMalformed, "40"},
		{"sequr, more behind", config{Scheme: "sequr"}, plainSecret, plainSecret, edit(sequr, func(s string) string { return s + "00" }), signature.ErrMalformed, "40"},
		{"genlogs", config{Scheme: "genlogs"}, plainSecret, plainSecret, same, nil, ""},
		{"genlogs, without prefix", config{Scheme: "genlogs"}, plainSecret, plainSecret, edit(genlogs, without("sha512=")), nil, ""},
		{"genlogs, other prefix", config{Scheme: "genlogs"}, plainSecret, plainSecret, edit(genlogs, func(s string) string { return "sha521=" + without("sha512=")(s) }), signature.ErrMalformed, `"sha512="`},
		{"hmac", mine, plainSecret, plainSecret, same, nil, ""},
		{"hmac, without prefix", mine, plainSecret, plainSecret, edit("X-Mine", without("s=")), signature.ErrMalformed, "prefix"},
		{"standard", config{Scheme: "standard"}, standardSecret, standardSecret, same, nil, ""},
		{"standard, wrong secret", config{Scheme: "standard"}, standardSecret, plainSecret, same, signature.ErrMismatch, "secret"},
		{"standard, no id", config{Scheme: "standard"}, standardSecret, standardSecret, del("webhook-id"), signature.ErrMissing, "no Webhook-Id"},
		{"standard, no timestamp", config{Scheme: "standard"}, standardSecret, standardSecret, del("webhook-timestamp"), signature.ErrMissing, "no Webhook-Timestamp"},
		{"standard, no signature", config{Scheme: "standard"}, standardSecret, standardSecret, del(standard), signature.ErrMissing, "no Webhook-Signature"},
		{"standard, id twice", config{Scheme: "standard"}, standardSecret, standardSecret, func(h http.Header) { h.Add("webhook-id", "x") }, signature.ErrMalformed, "Webhook-Id is there more than once"},
		{"standard, another id", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-id", "x"), signature.ErrMismatch, ""},
		{"standard, another timestamp", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-timestamp", "1614265331"), signature.ErrMismatch, ""},
		{"standard, timestamp spelled otherwise", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-timestamp", "01614265330"), signature.ErrMismatch, ""},
		{"standard, timestamp with sign", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-timestamp", "+1614265330"), signature.ErrMalformed, "seconds"},
		{"standard, timestamp in words", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-timestamp", "2021-02-25T15:02:10Z"), signature.ErrMalformed, "seconds"},
		{"standard, timestamp too long", config{Scheme: "standard"}, standardSecret, standardSecret, set("webhook-timestamp", "1614265330000"), signature.ErrMalformed, "seconds"},
		{"standard, among others", config{Scheme: "standard"}, standardSecret, standardSecret, edit(standard, func(s string) string { return zeros + " v2,x " + s + " " + zeros }), nil, ""},
		{"standard, others only", config{Scheme: "standard"}, standardSecret, standardSecret, set(standard, zeros), signature.ErrMismatch, ""},
		{"standard, unknown version", config{Scheme: "standard"}, standardSecret, standardSecret, edit(standard, func(s string) string { return "v2," + s[3:] }), signature.ErrMalformed, `"v1," and 44 base64 characters`},
		{"standard, too many", config{Scheme: "standard"}, standardSecret, standardSecret, edit(standard, func(s string) string { return strings.Repeat(zeros+" ", 16) + s }), signature.ErrMalformed, "more than 16"},
		{"ed25519, private key", ed, privateSecret, privateSecret, same, nil, ""},
		{"ed25519, public key", ed, privateSecret, publicSecret, same, nil, ""},
		{"ed25519, another id", ed, privateSecret, publicSecret, set("webhook-id", "x"), signature.ErrMismatch, ""},
		{"ed25519, looked at as v1", ed, privateSecret, standardSecret, same, signature.ErrMalformed, "kind of key"},
		{"v1, looked at as ed25519", ed, standardSecret, publicSecret, same, signature.ErrMalformed, `"v1a," and 88`},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte(`{"a":1}`)
			h := signed(t, c.config, c.secret, vectorID, vectorTime, body)
			c.change(h)
			err := signature.Verify(c.config, c.verify, h, body, vectorTime)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), c.remedy) {
				t.Errorf("%v, want it to say: %s", err, c.remedy)
			}
			if err == nil && signature.Verify(c.config, c.verify, h, []byte(`{"a": 1}`), vectorTime) == nil {
				t.Error("a changed body was accepted")
			}
		})
	}
}

func TestVerifyTime(t *testing.T) {
	body := []byte(vectorBody)
	for _, c := range []struct {
		name      string
		tolerance time.Duration
		off       time.Duration
		want      error
	}{
		{"now", 0, 0, nil},
		{"5 minutes old", 0, 5 * time.Minute, nil},
		{"a second more", 0, 5*time.Minute + time.Second, signature.ErrTooOld},
		{"5 minutes ahead", 0, -5 * time.Minute, nil},
		{"a second more ahead", 0, -5*time.Minute - time.Second, signature.ErrTooNew},
		{"within a wider tolerance", time.Hour, time.Hour, nil},
		{"beyond a narrower one", time.Second, 2 * time.Second, signature.ErrTooOld},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := signed(t, config{Scheme: "standard"}, standardSecret, vectorID, vectorTime, body)
			v, err := signature.NewVerifier(config{Scheme: "standard"}, []string{standardSecret}, c.tolerance)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(h, body, vectorTime.Add(c.off)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// Times further apart than a Duration can say are refused too.
func TestVerifyTimeFarAway(t *testing.T) {
	for _, c := range []struct {
		signed, now time.Time
		want        error
	}{
		{time.Unix(999_999_999_999, 0), vectorTime, signature.ErrTooNew},
		{time.Unix(0, 0), time.Unix(999_999_999_999, 0), signature.ErrTooOld},
		{time.Unix(0, 0), time.Time{}, signature.ErrTooNew},
	} {
		h := signed(t, config{Scheme: "standard"}, standardSecret, vectorID, c.signed, nil)
		if err := signature.Verify(config{Scheme: "standard"}, standardSecret, h, nil, c.now); !errors.Is(err, c.want) {
			t.Errorf("signed %v, now %v: %v, want %v", c.signed, c.now, err, c.want)
		}
	}
}

// In every scheme, a receiver with the old, the new or both secrets gets
// through a rotation; one with neither does not.
func TestVerifyDuringRotation(t *testing.T) {
	body := []byte("{}")
	for _, scheme := range []string{"sequr", "genlogs", "standard"} {
		c := config{Scheme: scheme}
		older, newer, stranger := signature.NewSecret(scheme), signature.NewSecret(scheme), signature.NewSecret(scheme)
		h := signedBy(t, c, signature.Secrets{Current: newer, Previous: older, PreviousUntil: vectorTime.Add(1)}, vectorID, vectorTime, body)
		for _, r := range []struct {
			has  []string
			want error
		}{
			{[]string{older}, nil}, {[]string{newer}, nil}, {[]string{older, newer}, nil},
			{[]string{stranger, older}, nil}, {[]string{stranger}, signature.ErrMismatch},
		} {
			v, err := signature.NewVerifier(c, r.has, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(h, body, vectorTime); !errors.Is(err, r.want) {
				t.Errorf("%s with %d secrets: %v, want %v", scheme, len(r.has), err, r.want)
			}
		}
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	sequr := config{Scheme: "sequr"}
	_, err := signature.NewVerifier(config{Scheme: "none"}, []string{plainSecret}, 0)
	wantConfigError(t, err, "scheme", "none signs nothing")
	_, err = signature.NewVerifier(sequr, nil, 0)
	wantConfigError(t, err, "secret", "at least one")
	_, err = signature.NewVerifier(sequr, []string{plainSecret, ""}, 0)
	wantConfigError(t, err, "secret", "at least 16 bytes")
	_, err = signature.NewVerifier(sequr, []string{plainSecret}, -1)
	wantConfigError(t, err, "tolerance", "negative")
}
