package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/transport/signature"
)

// maxShown bounds the body that is printed, in bytes.
const maxShown = 16 << 10

// delivery is one request that listen took.
type delivery struct {
	At        time.Time         `json:"at"`
	Path      string            `json:"path"`
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Scheme    string            `json:"scheme"`
	Signature string            `json:"signature"`
	Verdict   string            `json:"verdict"` // holds, fails, unchecked, unsigned
	Why       string            `json:"why,omitempty"`
	Repeat    bool              `json:"repeat"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body,omitempty"`
	// BodyBase64 stands for Body where that is not text.
	BodyBase64 []byte `json:"body_base64,omitempty"`
}

func newDelivery(now time.Time, req *http.Request, body []byte, secrets []string) *delivery {
	d := &delivery{At: now.UTC(), Path: req.URL.Path, ID: req.Header.Get("Webhook-Id"), Headers: map[string]string{}}
	for name, values := range req.Header {
		d.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if utf8.Valid(body) {
		d.Body = string(body)
	} else {
		d.BodyBase64 = body
	}
	d.Type = typeOf(req.Header, body)
	c, found := detect(req.Header)
	if !found {
		d.Scheme, d.Verdict = "none", "unsigned"
		return d
	}
	d.Scheme, d.Signature = c.Scheme, req.Header.Get(c.Header)
	if c.Scheme == "hmac" {
		d.Scheme = fmt.Sprintf("hmac (%s, %s, %s)", c.Header, c.Algorithm, c.Encoding)
	}
	d.Verdict, d.Why = verdict(c, secrets, req.Header, body, now)
	return d
}

// typeOf is the event's type by a header, or by the body of the profiles.
func typeOf(h http.Header, body []byte) string {
	for _, name := range []string{"X-Genlogs-Event", "Ce-Type"} {
		if t := h.Get(name); t != "" {
			return t
		}
	}
	var envelope struct {
		Type        any `json:"type"`
		Event       any `json:"event"`
		EventType   any `json:"event_type"`
		EventAction any `json:"event_action"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return ""
	}
	for _, v := range []any{envelope.Type, envelope.Event, envelope.EventAction, envelope.EventType} {
		if t, ok := v.(string); ok && t != "" {
			return t
		}
	}
	return ""
}

// verdict checks a signature; the verifier takes that of the secret before
// too, while a rotation overlaps.
func verdict(c signature.Config, secrets []string, h http.Header, body []byte, now time.Time) (word, why string) {
	if len(secrets) == 0 {
		return "unchecked", ""
	}
	v, err := signature.NewVerifier(c, secrets, 0)
	if err != nil {
		return "fails", err.Error()
	}
	if err = v.Verify(h, body, now); err == nil {
		return "holds", ""
	}
	return "fails", err.Error()
}

var verdictWords = map[string]string{"holds": "HOLDS", "fails": "DOES NOT HOLD", "unchecked": "not checked", "unsigned": "no signature"}

// print shows the delivery for reading.
func (d *delivery) print(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "── %s  %s", d.At.Format("15:04:05.000"), oneLine(d.ID))
	if d.Repeat {
		b.WriteString("  (repeat)")
	}
	fmt.Fprintf(&b, "\n   path       %s\n", oneLine(d.Path))
	if d.Type != "" {
		fmt.Fprintf(&b, "   type       %s\n", oneLine(d.Type))
	}
	fmt.Fprintf(&b, "   signature  %s: %s", oneLine(d.Scheme), verdictWords[d.Verdict])
	if d.Why != "" {
		b.WriteString(" (" + oneLine(d.Why) + ")")
	}
	fmt.Fprintf(&b, "\n%s\n\n", d.bodyText())
	_, err := w.Write(b.Bytes())
	return err
}

// bodyText is the body indented where it is JSON, quoted where it is not, and
// cut to what a screen holds.
func (d *delivery) bodyText() string {
	var out bytes.Buffer
	text := ""
	if d.BodyBase64 == nil && json.Indent(&out, []byte(d.Body), "   ", "  ") == nil {
		text = "   " + printable(out.String())
	} else {
		text = fmt.Sprintf("   %q", d.Body+string(d.BodyBase64))
	}
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + fmt.Sprintf("\n   … %d bytes more", len(text)-maxShown)
}

// printable takes out what would steer a terminal.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = line[:indent] + oneLine(line)
	}
	return strings.Join(lines, "\n")
}

// printLine shows the delivery as one line of JSON.
func (d *delivery) printLine(w io.Writer) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// signatureHeaders are those that name their scheme.
var signatureHeaders = []signature.Config{
	{Scheme: "standard", Header: "Webhook-Signature"},
	{Scheme: "sequr", Header: "X-Sequr-Signature"},
	{Scheme: "genlogs", Header: "X-Genlogs-Signature"},
}

// detect finds how a delivery is signed by its headers: a scheme's own, else
// any that ends in Signature and holds an HMAC.
func detect(h http.Header) (signature.Config, bool) {
	for _, c := range signatureHeaders {
		if h.Get(c.Header) != "" {
			return c, true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !strings.HasSuffix(name, "Signature") {
			continue
		}
		if c, ok := detectHMAC(h.Get(name)); ok {
			c.Header = name
			return c, true
		}
	}
	return signature.Config{}, false
}

// detectHMAC reads the algorithm off an encoded HMAC's length, what stands
// before it being its prefix.
func detectHMAC(value string) (signature.Config, bool) {
	for _, form := range []struct {
		length              int
		encoding, algorithm string
	}{
		{128, "hex", "sha512"}, {88, "base64", "sha512"}, {64, "hex", "sha256"},
		{44, "base64", "sha256"}, {40, "hex", "sha1"}, {28, "base64", "sha1"},
	} {
		if len(value) < form.length {
			continue
		}
		prefix, encoded := value[:len(value)-form.length], value[len(value)-form.length:]
		if prefix != "" && isAlphanumeric(prefix[len(prefix)-1]) || !isEncoded(encoded, form.encoding) {
			continue
		}
		return signature.Config{Scheme: "hmac", Algorithm: form.algorithm, Encoding: form.encoding, Prefix: prefix}, true
	}
	return signature.Config{}, false
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isEncoded(s, encoding string) bool {
	if encoding == "hex" {
		return strings.Trim(s, "0123456789abcdefABCDEF") == ""
	}
	body := strings.TrimRight(s, "=")
	return len(s)-len(body) <= 2 && !strings.ContainsFunc(body, func(r rune) bool {
		return r > 127 || !isAlphanumeric(byte(r)) && r != '+' && r != '/'
	})
}
