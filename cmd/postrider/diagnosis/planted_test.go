package diagnosis

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/signature"
	"pgregory.net/rapid"
)

// mistake is one that somebody makes, and the code it is named by.
type mistake struct {
	code  Code
	plant func(*Request)
}

func rewritten(s style) func(*Request) {
	return func(r *Request) {
		doc, err := parse(r.Body)
		if err != nil {
			panic(err)
		}
		r.Body = doc.write(nil, &s)
	}
}

// anywhere are mistakes that can be made with every scheme.
var anywhere = []mistake{
	{"body_rewritten", rewritten(style{indent: "  "})},
	{"body_rewritten", rewritten(style{indent: "\t"})},
	{"body_rewritten", rewritten(style{blanks: true})},
	{"body_rewritten", rewritten(style{blanks: true, ascii: true})},
	{"body_rewritten", rewritten(style{html: true})},
	{"body_rewritten", rewritten(style{ascii: true, slashes: true})},
	{"body_line_end", func(r *Request) { r.Body = append(r.Body, '\n') }},
	{"body_line_end", func(r *Request) { r.Body = append(r.Body, "\r\n"...) }},
	{"body_blanks", func(r *Request) { r.Body = append([]byte("  "), r.Body...) }},
	{"body_bom", func(r *Request) { r.Body = append([]byte("\ufeff"), r.Body...) }},
	{"body_base64", func(r *Request) { r.Body = []byte(base64.StdEncoding.EncodeToString(r.Body)) }},
	{"body_string", func(r *Request) { r.Body, _ = json.Marshal(string(r.Body)) }},
	{"secret_blanks", func(r *Request) { r.Secrets[0] += "\n" }},
	{"secret_blanks", func(r *Request) { r.Secrets[0] = " " + r.Secrets[0] + "\r\n" }},
	{"secret_quotes", func(r *Request) { r.Secrets[0] = `"` + r.Secrets[0] + `"` }},
}

// withText are mistakes with a secret that is text, and a body's signature.
var withText = []mistake{
	{"secret_prefix_extra", func(r *Request) { r.Secrets[0] = "whsec_" + r.Secrets[0] }},
	{"secret_encoded", func(r *Request) { r.Secrets[0] = string(unhex(r.Secrets[0])) }},
	{"secret_case", func(r *Request) { r.Secrets[0] = strings.ToUpper(r.Secrets[0]) }},
}

func unhex(s string) []byte { b, _ := hex.DecodeString(s); return b }

// Whatever is planted, it is named, and nothing else.
func TestEveryPlantedMistakeIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(signers).Draw(t, "signer")
		doc := document().Draw(t, "body")
		can := anywhere
		secret := s.secret
		if s.config.Scheme != "standard" {
			secret = hex.EncodeToString(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "secret")) + "ab"
			can = append(can[:len(can):len(can)], withText...)
		}
		sg, err := signature.NewSigner(s.config, signature.Secrets{Current: secret})
		if err != nil {
			t.Fatal(err)
		}
		r := &Request{Header: http.Header{}, Body: []byte(doc), Secrets: []string{secret}, Now: now}
		r.Header.Set("Webhook-Id", "id-1")
		sg.Sign(r.Header, "id-1", now, r.Body)
		if c, _ := s.config.Resolve(); s.config.Header == "X-Acme" {
			r.Config = c
		}
		m := rapid.SampledFrom(can).Draw(t, "mistake")
		m.plant(r)
		d := Explain(r)
		if string(d.Signed) != string(headOf(d.Config, r.Header))+doc {
			t.Fatalf("%q is told to be what was signed of %q", d.Signed, doc)
		}
		if d.Verdict != Fails || len(d.Causes) != 1 || d.Causes[0].Code != m.code {
			t.Fatalf("%s planted in %q: %v, %q, %v", m.code, r.Body, d.Verdict, d.Why, d.Causes)
		}
	})
}

// document is a JSON body as JSON.stringify writes it, with something in it
// that each library writes in its own way.
func document() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		inner := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,6}`), rapid.StringMatching(`[ -~äß€]{0,8}`), 0, 4).Draw(t, "data")
		raw, err := json.Marshal(map[string]any{"type": "a/b<é>", "data": inner, "n": rapid.IntRange(0, 1000).Draw(t, "n")})
		if err != nil {
			t.Fatal(err)
		}
		v, err := parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return string(v.write(nil, &style{}))
	})
}
