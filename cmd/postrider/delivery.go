package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/cmd/postrider/diagnosis"
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
	Verdict   diagnosis.Verdict `json:"verdict"`
	Why       string            `json:"why,omitempty"`
	// Causes are why it does not hold, where that was found out.
	Causes []string `json:"causes,omitempty"`
	// Answered is what it was answered, where that is not always the same.
	Answered string            `json:"answered,omitempty"`
	Repeat   bool              `json:"repeat"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body,omitempty"`
	// BodyBase64 stands for Body where that is not text.
	BodyBase64 []byte `json:"body_base64,omitempty"`
}

// maxSearched bounds the bodies of which the cause is looked for, in bytes: it
// takes hundreds of hashes.
const maxSearched = 64 << 10

// newDelivery reads a request; without a scheme in c its headers tell how it
// is signed.
func newDelivery(now time.Time, req *http.Request, body []byte, secrets []string, c signature.Config) *delivery {
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
	d.judge(&diagnosis.Request{Header: req.Header, Body: body, Secrets: secrets, Config: c, Now: now})
	return d
}

// judge tells how the delivery is signed, whether that holds, and if not why.
func (d *delivery) judge(r *diagnosis.Request) {
	look := diagnosis.Verify
	if len(r.Body) <= maxSearched {
		look = diagnosis.Explain
	}
	found := look(r)
	d.Scheme, d.Verdict, d.Why = found.Scheme, found.Verdict, found.Why
	d.Signature = r.Header.Get(found.Config.Header)
	for _, cause := range found.Causes {
		d.Causes = append(d.Causes, cause.What)
	}
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

var verdictWords = map[diagnosis.Verdict]string{
	diagnosis.Holds: "HOLDS", diagnosis.Fails: "DOES NOT HOLD", diagnosis.Unchecked: "not checked", diagnosis.Unsigned: "no signature",
}

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
	if why := d.because(); why != "" {
		b.WriteString(" (" + oneLine(why) + ")")
	}
	if d.Answered != "" {
		b.WriteString("\n   answered   " + oneLine(d.Answered))
	}
	fmt.Fprintf(&b, "\n%s\n\n", d.bodyText())
	_, err := w.Write(b.Bytes())
	return err
}

// because is why a signature does not hold: the cause where it was found.
func (d *delivery) because() string {
	if len(d.Causes) > 0 {
		return strings.Join(d.Causes, "; ")
	}
	if d.Verdict == diagnosis.Fails {
		return d.Why
	}
	return ""
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
