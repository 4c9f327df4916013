package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/diagnosis"
)

func (a *app) verifyCommand() *cobra.Command {
	var headers []string
	var at string
	c := &cobra.Command{
		Use:   "verify FILE|-",
		Short: "Why a signature does not match: which bytes were signed, and the cause",
		Long: `Verifies the signature of a delivery that was kept: its headers, and its body in
FILE as it came. Where it does not hold, the usual mistakes are undone one by
one, and the one is named without which it holds: a body that was written again,
a secret in the wrong form, a header that was changed, the clock, another hash,
the secret before. The exit code is 0 where it holds, else 1.

The secret is better given by --secret-file or POSTRIDER_SECRET: others on this
machine may see what stands on a command line.`,
		Example: `  postrider verify --secret-file secret.txt --header 'X-Sequr-Signature=sha1=5f3c…' body.json
  POSTRIDER_SECRET=whsec_… postrider verify --header webhook-id=evt_1 --header webhook-timestamp=1800000000 \
      --header 'webhook-signature=v1,g0hM9S…' --at 2027-01-15T08:00:00Z body.json
  postrider verify --secret-file secret.txt --header 'X-Acme: v0=9a1b…' --scheme hmac --signature-header X-Acme --signature-prefix v0= - < body.json`,
		Args: arguments("FILE|-"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.verifyRequest(c, headers, at)
			if err != nil {
				return err
			}
			if r.Body, err = a.readFile(args[0], maxDelivery); err != nil {
				return err
			}
			return a.verify(r)
		},
	}
	c.Flags().StringArrayVarP(&headers, "header", "H", nil, "a header of the delivery, NAME=VALUE or 'NAME: VALUE'; repeatable")
	c.Flags().StringVar(&at, "at", "", "when the delivery came (RFC 3339; default now), for schemes that sign the time")
	addVerifyFlags(c)
	return c
}

// verifyRequest reads all but the body.
func (a *app) verifyRequest(c *cobra.Command, headers []string, at string) (r *diagnosis.Request, err error) {
	r = &diagnosis.Request{Now: time.Now()}
	if r.Header, err = readHeaders(headers); err != nil {
		return nil, err
	}
	if at != "" {
		if r.Now, err = time.Parse(time.RFC3339, at); err != nil {
			return nil, usagef("--at %q is not a time such as 2026-01-02T15:04:05Z", at)
		}
	}
	if r.Config, r.Secrets, err = a.verifyFlags(c); err != nil {
		return nil, err
	}
	switch file, _ := c.Flags().GetString("secret-file"); {
	case len(r.Secrets) == 0:
		return nil, usagef("postrider verify needs --secret-file, %s or --secret; see postrider verify --help", secretVariable)
	case len(headers) == 0:
		return nil, usagef("postrider verify needs --header, for each header of the delivery; see postrider verify --help")
	case file == "-" && c.Flags().Arg(0) == "-":
		return nil, usagef("--secret-file and FILE cannot both be stdin; give one by name")
	}
	return r, nil
}

// readHeaders reads NAME=VALUE, and 'NAME: VALUE' as it stands in logs.
func readHeaders(given []string) (http.Header, error) {
	h := http.Header{}
	for _, one := range given {
		end := strings.IndexAny(one, "=:")
		if end < 1 || strings.ContainsAny(one[:end], " \t") {
			return nil, usagef("--header is given as NAME=VALUE, for example X-Sequr-Signature=sha1=0123")
		}
		value := one[end+1:]
		if one[end] == ':' {
			value = strings.TrimSpace(value)
		}
		h.Add(one[:end], value)
	}
	return h, nil
}

// verified is what verify tells.
type verified struct {
	Verdict diagnosis.Verdict `json:"verdict"`
	Scheme  string            `json:"scheme"`
	Why     string            `json:"why,omitempty"`
	Causes  []diagnosis.Cause `json:"causes"`
	Tried   int               `json:"tried"`
	Checked *signedBytes      `json:"checked,omitempty"`
	Signed  *signedBytes      `json:"signed,omitempty"`
}

// signedBytes shows bytes too many to be shown.
type signedBytes struct {
	Shown  string `json:"shown"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func showBytes(b []byte) *signedBytes {
	if b == nil {
		return nil
	}
	return &signedBytes{abbreviated(b), len(b), fmt.Sprintf("%x", sha256.Sum256(b))}
}

func (a *app) verify(r *diagnosis.Request) error {
	d := diagnosis.Explain(r)
	v := verified{Verdict: d.Verdict, Scheme: d.Scheme, Why: d.Why, Causes: orEmpty(d.Causes), Tried: d.Tried,
		Checked: showBytes(d.Checked), Signed: showBytes(d.Signed)}
	var err error
	if a.output == "json" {
		err = a.printJSON(v)
	} else {
		a.printVerified(&v)
	}
	if err == nil && d.Verdict != diagnosis.Holds {
		return silentError{}
	}
	return err
}

func (a *app) printVerified(v *verified) {
	line := func(name, text string) { fmt.Fprintf(a.stdout, "%-10s %s\n", name, oneLine(text)) }
	show := func(name string, b *signedBytes) {
		line(name, b.Shown)
		fmt.Fprintf(a.stdout, "%-10s %d bytes, SHA-256 %s\n", "", b.Bytes, b.SHA256)
	}
	line("scheme", v.Scheme)
	if v.Checked != nil && (v.Signed == nil || *v.Signed != *v.Checked) {
		show("checked", v.Checked)
	}
	if v.Signed != nil {
		show("signed", v.Signed)
	}
	line("signature", verdictWords[v.Verdict])
	name := map[bool]string{true: "note", false: "cause"}[v.Verdict == diagnosis.Holds]
	for _, c := range v.Causes {
		line(name, c.What)
		line("remedy", c.Remedy)
	}
	if len(v.Causes) == 0 && v.Why != "" {
		line("why", v.Why)
	}
	if len(v.Causes) == 0 && v.Tried > 0 {
		line("cause", fmt.Sprintf("none of the usual ones (%d ways were tried): the secret is another endpoint's, or the body is another one", v.Tried))
	}
}

// abbreviated shows the beginning and the end of what was signed.
func abbreviated(b []byte) string {
	const part = 60
	text := func(b []byte) string {
		if q := fmt.Sprintf("%q", b); utf8.Valid(b) {
			return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		}
		return fmt.Sprintf("%q", b)
	}
	if len(b) <= 2*part {
		return text(b)
	}
	return text(trimRunes(b[:part])) + " … " + text(trimRunes(b[len(b)-part:]))
}

// trimRunes takes off the parts of characters that a cut left at the ends.
func trimRunes(b []byte) []byte {
	for range utf8.UTFMax - 1 {
		if r, size := utf8.DecodeLastRune(b); r == utf8.RuneError && size == 1 {
			b = b[:len(b)-1]
		}
		if r, size := utf8.DecodeRune(b); r == utf8.RuneError && size == 1 {
			b = b[1:]
		}
	}
	return b
}
