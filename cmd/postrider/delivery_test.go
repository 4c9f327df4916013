package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

const listenSecret = "0123456789abcdef"

// signed makes a request as a delivery under c would be.
func signed(t testing.TB, c signature.Config, secrets signature.Secrets, body string) *http.Request {
	t.Helper()
	s, err := signature.NewSigner(c, secrets)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	req.Header.Set("Webhook-Id", "id-1")
	s.Sign(req.Header, "id-1", time.Now(), []byte(body))
	return req
}

func TestEverySchemeIsDetected(t *testing.T) {
	tests := []struct {
		name   string
		config signature.Config
		shown  string
	}{
		{"standard", signature.Config{Scheme: "standard"}, "standard"},
		{"sequr", signature.Config{Scheme: "sequr"}, "sequr"},
		{"genlogs", signature.Config{Scheme: "genlogs"}, "genlogs"},
		{"hmac", signature.Config{Scheme: "hmac", Header: "X-Signature"}, "hmac (X-Signature, sha256, hex)"},
		{"hmac with a prefix", signature.Config{Scheme: "hmac", Header: "X-Hub-Signature", Algorithm: "sha1", Prefix: "sha1="}, `hmac (X-Hub-Signature, sha1, hex, after "sha1=")`},
		{"hmac in base64", signature.Config{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha512", Encoding: "base64"}, "hmac (X-Signature, sha512, base64)"},
		{"hmac sha256 in base64 with a prefix", signature.Config{Scheme: "hmac", Header: "X-Signature", Encoding: "base64", Prefix: "v0:"}, `hmac (X-Signature, sha256, base64, after "v0:")`},
		{"hmac sha512", signature.Config{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha512"}, "hmac (X-Signature, sha512, hex)"},
		{"hmac sha1 in base64", signature.Config{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha1", Encoding: "base64"}, "hmac (X-Signature, sha1, base64)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const body = `{"type":"access.granted","data":1}`
			req := signed(t, tt.config, signature.Secrets{Current: listenSecret}, body)
			d := newDelivery(time.Now(), req, []byte(body), []string{listenSecret}, signature.Config{})
			if d.Scheme != tt.shown || d.Verdict != "holds" || d.Type != "access.granted" || d.ID != "id-1" {
				t.Errorf("%+v", d)
			}
			d = newDelivery(time.Now(), req, []byte(body+" "), []string{listenSecret}, signature.Config{})
			if d.Verdict != "fails" || d.Why == "" {
				t.Errorf("a changed body: %+v", d)
			}
			d = newDelivery(time.Now(), req, []byte(body), nil, signature.Config{})
			if d.Verdict != "unchecked" {
				t.Errorf("without a secret: %+v", d)
			}
		})
	}
}

func TestAnUnsignedDelivery(t *testing.T) {
	req := httptest.NewRequest(http.MethodPost, "/hook", nil)
	req.Header.Set("X-Signature", "not an HMAC")
	d := newDelivery(time.Now(), req, []byte("\xff\x1b[31m"), []string{listenSecret}, signature.Config{})
	if d.Scheme != "none" || d.Verdict != "unsigned" {
		t.Errorf("%+v", d)
	}
	var b bytes.Buffer
	if err := d.print(&b); err != nil || strings.Contains(b.String(), "\x1b") {
		t.Errorf("%v: what steers a terminal is printed: %q", err, b.String())
	}
}

func TestTheSecretBeforeARotationHolds(t *testing.T) {
	until := time.Now().Add(time.Hour)
	req := signed(t, signature.Config{Scheme: "sequr"}, signature.Secrets{Current: "a-new-secret-0123", Previous: listenSecret, PreviousUntil: until}, "{}")
	d := newDelivery(time.Now(), req, []byte("{}"), []string{listenSecret}, signature.Config{})
	if d.Verdict != "holds" {
		t.Errorf("%+v", d)
	}
}

func TestPrintedDelivery(t *testing.T) {
	req := signed(t, signature.Config{Scheme: "genlogs"}, signature.Secrets{Current: listenSecret}, `{"event":"alert.test","n":1}`)
	d := newDelivery(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), req, []byte(`{"event":"alert.test","n":1}`), []string{listenSecret}, signature.Config{})
	d.Repeat = true
	var b bytes.Buffer
	if err := d.print(&b); err != nil {
		t.Fatal(err)
	}
	want := "── 03:04:05.006  id-1  (repeat)\n   path       /hook\n   type       alert.test\n   signature  genlogs: HOLDS\n   {\n     \"event\": \"alert.test\",\n     \"n\": 1\n   }\n\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestListenTakesDeliveries(t *testing.T) {
	stdout, stderr, done := startListen(t, "--secret", listenSecret, "--count", "3", "--status", "202", "-o", "json")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(readLine(t, stderr))
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	// An answer goes out once its delivery is printed: read while asking.
	printed := make(chan delivery, 3)
	go func() {
		defer close(printed)
		for lines := json.NewDecoder(stdout); ; {
			var d delivery
			if lines.Decode(&d) != nil {
				return
			}
			printed <- d
		}
	}()
	for i, body := range []string{`{"n":1}`, `{"n":2}`, `{"n":2}`} {
		req := signed(t, signature.Config{Scheme: "standard"}, signature.Secrets{Current: listenSecret}, body)
		out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hook", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		out.Header = req.Header
		resp, err := http.DefaultClient.Do(out)
		if err != nil || resp.StatusCode != 202 {
			t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
		if d := <-printed; d.Verdict != "holds" || d.Body != body || d.Repeat != (i > 0) || d.Headers["webhook-id"] != "id-1" {
			t.Errorf("%+v", d)
		}
	}
	if code := <-done; code != 0 {
		t.Errorf("listen left with %d", code)
	}
}

// startListen runs listen on a free port until the test ends.
func startListen(t *testing.T, args ...string) (stdout, stderr io.Reader, done chan int) {
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan int, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done <- Run(ctx, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...), nil, strings.NewReader(""), outW, errW)
	}()
	t.Cleanup(func() {
		cancel()
		_ = errors.Join(outR.Close(), errR.Close())
		<-ended
	})
	return outR, errR, done
}

func readLine(t *testing.T, r io.Reader) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if _, err := r.Read(b); err != nil || b[0] == '\n' {
			return string(line)
		}
	}
}

func FuzzDelivery(f *testing.F) {
	f.Add("X-Signature", "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709", []byte(`{"type":1}`))
	f.Add("Webhook-Signature", "v1,x v1a,y", []byte("\xff"))
	f.Add("Signature", strings.Repeat("=", 44), []byte(`[`))
	f.Fuzz(func(t *testing.T, name, value string, body []byte) {
		req := httptest.NewRequest(http.MethodPost, "/", nil)
		req.Header.Set(name, value)
		d := newDelivery(time.Unix(0, 0), req, body, []string{listenSecret}, signature.Config{})
		if d.Verdict == "holds" {
			t.Fatalf("a made-up signature holds: %+v", d)
		}
		var b bytes.Buffer
		if err := errors.Join(d.print(&b), d.printLine(&b)); err != nil {
			t.Fatal(err)
		}
	})
}
