package diagnosis

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

const (
	textSecret  = "0123456789ABCDEF0123456789abcdef"
	otherSecret = "quite-another-secret-of-somebody"
	whsec       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body        = `{"type":"access.granted","data":{"name":"Zoë <b>","url":"a/b","n":1.50,"1":[]}}`
)

var now = time.Unix(1_800_000_000, 0)

// request is what a receiver gets that makes no mistake.
func request(t testing.TB, c signature.Config, secrets signature.Secrets, body string) *Request {
	t.Helper()
	s, err := signature.NewSigner(c, secrets)
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Header: http.Header{}, Body: []byte(body), Secrets: []string{secrets.Current}, Now: now}
	r.Header.Set("Webhook-Id", "id-1")
	r.Header.Set("Content-Type", "application/json")
	s.Sign(r.Header, "id-1", now, r.Body)
	return r
}

// signer is a scheme with a secret of its own.
type signer struct {
	config signature.Config
	secret string
	words  string
}

var privateKey = "whsk_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

var signers = []signer{
	{signature.Config{Scheme: "standard"}, whsec, "standard"},
	{signature.Config{Scheme: "standard"}, privateKey, "standard (v1a, ed25519)"},
	{signature.Config{Scheme: "sequr"}, textSecret, "sequr"},
	{signature.Config{Scheme: "genlogs"}, textSecret, "genlogs"},
	{signature.Config{Scheme: "hmac", Header: "X-Signature"}, textSecret, "hmac (X-Signature, sha256, hex)"},
	{signature.Config{Scheme: "hmac", Header: "X-Hub-Signature", Algorithm: "sha1", Prefix: "sha1="}, textSecret, `hmac (X-Hub-Signature, sha1, hex, after "sha1=")`},
	{signature.Config{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha512", Encoding: "base64"}, textSecret, "hmac (X-Signature, sha512, base64)"},
	{signature.Config{Scheme: "hmac", Header: "X-Signature", Encoding: "base64", Prefix: "v0:"}, textSecret, `hmac (X-Signature, sha256, base64, after "v0:")`},
	{signature.Config{Scheme: "hmac", Header: "X-Acme"}, textSecret, "hmac (X-Acme, sha256, hex)"},
}

func TestEverySchemeIsRecognisedAndHolds(t *testing.T) {
	for _, s := range signers {
		t.Run(s.words, func(t *testing.T) {
			r := request(t, s.config, signature.Secrets{Current: s.secret}, body)
			d := Explain(r)
			if d.Scheme != s.words || d.Verdict != Holds || d.Why != "" || len(d.Causes) > 0 {
				t.Errorf("%+v", d)
			}
			want := body
			if s.config.Scheme == "standard" {
				want = "id-1.1800000000." + body
			}
			if string(d.Signed) != want || string(d.Checked) != want {
				t.Errorf("signed is %q, checked %q", d.Signed, d.Checked)
			}
			r.Secrets = nil
			if d := Explain(r); s.config.Header != "X-Acme" && (d.Verdict != Unchecked || d.Scheme != s.words) {
				t.Errorf("without a secret: %+v", d)
			}
		})
	}
}

// sum is an HMAC over message.
func sum(algorithm string, key []byte, message string) []byte {
	size := map[string]int{"sha1": 20, "sha256": 32, "sha512": 64}[algorithm]
	mac := hmac.New(hashes[size], key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

// Mistakes of one scheme alone, each by hand.
func TestMistakesOfASchemeAreNamed(t *testing.T) {
	hmacHex := signature.Config{Scheme: "hmac", Header: "X-Signature", Algorithm: "sha256", Encoding: "hex", Prefix: "sha256="}
	std := signature.Config{Scheme: "standard"}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(whsec, "whsec_"))
	b64 := base64.StdEncoding.EncodeToString
	const head = "id-1.1800000000."
	set := func(name, value string) func(*Request) { return func(r *Request) { r.Header.Set(name, value) } }
	for _, c := range []struct {
		name   string
		config signature.Config // as the receiver expects it
		secret string
		plant  func(*Request)
		codes  []Code
	}{
		{"prefix missing", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", strings.TrimPrefix(r.Header.Get("X-Sequr-Signature"), "sha1="))
		}, []Code{"prefix_missing"}},
		{"prefix twice", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", "sha1="+r.Header.Get("X-Sequr-Signature"))
		}, []Code{"prefix_extra"}},
		{"another prefix", hmacHex, textSecret, func(r *Request) {
			r.Header.Set("X-Signature", "v0="+strings.TrimPrefix(r.Header.Get("X-Signature"), "sha256="))
		}, []Code{"prefix_other"}},
		{"a prefix where there is none", signature.Config{Scheme: "hmac", Header: "X-Signature"}, textSecret, func(r *Request) {
			r.Header.Set("X-Signature", "sha256="+r.Header.Get("X-Signature"))
		}, []Code{"prefix_extra"}},
		{"capital hex", signature.Config{Scheme: "genlogs"}, textSecret, func(r *Request) {
			r.Header.Set("X-Genlogs-Signature", "sha512="+strings.ToUpper(strings.TrimPrefix(r.Header.Get("X-Genlogs-Signature"), "sha512=")))
		}, []Code{"hex_case"}},
		{"base64 for hex", hmacHex, textSecret, func(r *Request) {
			r.Header.Set("X-Signature", "sha256="+b64(sum("sha256", []byte(textSecret), body)))
		}, []Code{"encoding"}},
		{"URL alphabet", std, whsec, func(r *Request) {
			r.Header.Set("Webhook-Signature", "v1,"+base64.RawURLEncoding.EncodeToString(sum("sha256", key, head+body)))
		}, []Code{"base64_alphabet"}},
		{"another hash", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", "sha256="+hex.EncodeToString(sum("sha256", []byte(textSecret), body)))
		}, []Code{"algorithm"}},
		{"header in quotes", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", `"`+r.Header.Get("X-Sequr-Signature")+`"`)
		}, []Code{"header_blanks"}},
		{"secret not decoded", std, whsec, func(r *Request) {
			r.Header.Set("Webhook-Signature", "v1,"+b64(sum("sha256", []byte(strings.TrimPrefix(whsec, "whsec_")), head+body)))
		}, []Code{"secret_not_decoded"}},
		{"whole secret as text", std, whsec, func(r *Request) {
			r.Header.Set("Webhook-Signature", "v1,"+b64(sum("sha256", []byte(whsec), head+body)))
		}, []Code{"secret_not_decoded"}},
		{"whsec_ left off", std, whsec, func(r *Request) { r.Secrets[0] = strings.TrimPrefix(whsec, "whsec_") }, []Code{"secret_prefix_missing"}},
		{"text secret decoded from base64", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			k, _ := base64.StdEncoding.DecodeString(textSecret)
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", k, body)))
		}, []Code{"secret_decoded"}},
		{"text secret decoded from hex", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", unhex(textSecret), body)))
		}, []Code{"secret_hex"}},
		{"sender's secret has a line end", signature.Config{Scheme: "sequr"}, textSecret + "\n", func(r *Request) { r.Secrets[0] = textSecret }, []Code{"secret_line_end"}},
		{"body alone", std, whsec, func(r *Request) {
			r.Header.Set("Webhook-Signature", "v1,"+b64(sum("sha256", key, body)))
		}, []Code{"signed_body"}},
		{"head in a scheme without", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("Webhook-Timestamp", "1800000000")
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", []byte(textSecret), head+body)))
		}, []Code{"signed_head"}},
		{"clock behind", std, whsec, func(r *Request) { r.Now = now.Add(-10 * time.Minute) }, []Code{"clock"}},
		{"clock ahead", std, whsec, func(r *Request) { r.Now = now.Add(10 * time.Minute) }, []Code{"clock"}},
		{"milliseconds, signed as they are", std, whsec, func(r *Request) {
			set("Webhook-Timestamp", "1800000000123")(r)
			r.Header.Set("Webhook-Signature", "v1,"+b64(sum("sha256", key, "id-1.1800000000123."+body)))
		}, []Code{"timestamp_unit"}},
		{"milliseconds in the header alone", std, whsec, set("Webhook-Timestamp", "1800000000123"), []Code{"timestamp_unit"}},
		{"milliseconds in what is signed alone", std, whsec, func(r *Request) {
			r.Header.Set("Webhook-Signature", "v1,"+b64(sum("sha256", key, "id-1.1800000000000."+body)))
		}, []Code{"timestamp_unit"}},
		{"line ends of Windows", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			const unix = "{\n\"a\": 1.0\n}"
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", []byte(textSecret), unix)))
			r.Body = []byte(strings.ReplaceAll(unix, "\n", "\r\n"))
		}, []Code{"body_crlf"}},
		{"sorted keys were signed", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", []byte(textSecret), `{"a":1,"b":2}`)))
			r.Body = []byte(`{"b":2,"a":1}`)
		}, []Code{"body_rewritten"}},
		{"JSON.stringify was signed", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Header.Set("X-Sequr-Signature", "sha1="+hex.EncodeToString(sum("sha1", []byte(textSecret), `{"1":1,"2":"é&/","b":1000}`)))
			r.Body = []byte(`{ "b": 1e3, "2": "\u00e9\u0026\/", "1": 1.0 }`)
		}, []Code{"body_rewritten"}},
		{"two mistakes", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) {
			r.Body = append(r.Body, '\n')
			r.Secrets[0] += "\n"
		}, []Code{"secret_blanks", "body_line_end"}},
		{"ed25519 without the kind of its key", std, privateKey, func(r *Request) {
			public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Public().(ed25519.PublicKey)
			r.Secrets[0] = b64(public)
		}, []Code{"key_kind"}},
		{"ed25519 and a symmetric secret", std, privateKey, func(r *Request) { r.Secrets[0] = whsec }, []Code{"key_kind"}},
		{"HMAC and a public key", std, whsec, func(r *Request) { r.Secrets[0] = "whpk_" + b64(bytes.Repeat([]byte{9}, 32)) }, []Code{"key_kind"}},
		{"no signature header", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) { r.Header.Del("X-Sequr-Signature") }, []Code{"header_missing"}},
		{"no timestamp", std, whsec, func(r *Request) { r.Header.Del("Webhook-Timestamp") }, []Code{"header_missing"}},
		{"cut short", signature.Config{Scheme: "sequr"}, textSecret, set("X-Sequr-Signature", "sha1=0123"), []Code{"header_form"}},
		{"empty body", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) { r.Body = nil }, []Code{"body_empty"}},
		{"the old secret signed", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) { r.Secrets = []string{otherSecret, textSecret + "\n"} }, []Code{"secret_blanks", "previous_secret"}},
		{"no usual cause", signature.Config{Scheme: "sequr"}, textSecret, func(r *Request) { r.Secrets[0] = otherSecret }, nil},
		{"another body", std, whsec, func(r *Request) { r.Body = []byte(`{"type":"access.denied"}`) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, c.config, signature.Secrets{Current: c.secret}, body)
			r.Config = c.config
			c.plant(r)
			d := Explain(r)
			var codes []Code
			for _, cause := range d.Causes {
				codes = append(codes, cause.Code)
			}
			if d.Verdict != Fails || d.Why == "" || fmt.Sprint(codes) != fmt.Sprint(c.codes) {
				t.Errorf("%v, %q: %v, want %v", d.Verdict, d.Why, d.Causes, c.codes)
			}
			if len(c.codes) == 0 && d.Tried < 20 {
				t.Errorf("%d were tried", d.Tried)
			}
			if told := fmt.Sprintf("%v %v", d.Causes, d.Why); strings.Contains(told, textSecret) || strings.Contains(told, whsec[6:]) || strings.Contains(told, "access") {
				t.Errorf("told: %s", told)
			}
		})
	}
}

func TestTheSecretBeforeIsNoted(t *testing.T) {
	until := now.Add(time.Hour)
	for _, s := range []signer{{signature.Config{Scheme: "sequr"}, textSecret, ""}, {signature.Config{Scheme: "standard"}, whsec, ""}} {
		r := request(t, s.config, signature.Secrets{Current: otherSecret, Previous: s.secret, PreviousUntil: until}, body)
		r.Secrets = []string{s.secret}
		d := Explain(r)
		if d.Verdict != Holds || s.config.Scheme == "sequr" && (len(d.Causes) != 1 || d.Causes[0].Code != "previous_secret") {
			t.Errorf("by the header of the secret before: %+v", d)
		}
		r = request(t, s.config, signature.Secrets{Current: s.secret}, body)
		r.Secrets = []string{otherSecret, s.secret}
		if d := Explain(r); d.Verdict != Holds || len(d.Causes) != 1 || d.Causes[0].Code != "previous_secret" {
			t.Errorf("by the second secret: %+v", d)
		}
	}
}

func TestNothingSigned(t *testing.T) {
	r := &Request{Header: http.Header{"X-Signature": {"none"}, "Etag": {strings.Repeat("ab", 20)}}, Body: []byte(body), Secrets: []string{textSecret}, Now: now}
	if d := Explain(r); d.Verdict != Unsigned || d.Scheme != "none" || d.Why == "" {
		t.Errorf("%+v", d)
	}
	r.Config = signature.Config{Scheme: "hmac"}
	if d := Explain(r); d.Verdict != Fails || !strings.Contains(d.Why, "header") {
		t.Errorf("a wrong configuration: %+v", d)
	}
}

func TestHowJavaScriptPrintsNumbers(t *testing.T) {
	for in, want := range map[string]string{"1.0": "1", "1e3": "1000", "-0": "0", "1e21": "1e+21", "1E-7": "1e-7", "0.10": "0.1", "1e999": "1e999", "123456789": "123456789"} {
		if got := numberText(json.Number(in), &style{numbers: true}); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Deep nesting does not become gigabytes.
func TestWhatIsWrittenAgainIsBounded(t *testing.T) {
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1)
	doc, err := parse([]byte("[" + strings.Repeat(deep+",", 200) + deep + "]"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(doc.write(nil, &style{indent: "    "})); n < maxForm || n > maxForm+(1<<20) {
		t.Errorf("%d bytes", n)
	}
	if _, err := parse([]byte(strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2))); err == nil {
		t.Error("a document without end is read")
	}
}

func BenchmarkExplain(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			r := request(b, signature.Config{Scheme: "sequr"}, signature.Secrets{Current: textSecret}, `{"a":"`+strings.Repeat("é/", size/3)+`"}`)
			r.Secrets = []string{otherSecret}
			for b.Loop() {
				if d := Explain(r); len(d.Causes) > 0 {
					b.Fatal(d.Causes)
				}
			}
		})
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(uint8(0), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "1614265330", []byte(body))
	f.Add(uint8(2), "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709", "", []byte("\ufeff\"YQ==\""))
	f.Add(uint8(4), strings.Repeat("A", 43), "99999999999999", []byte(`{"a":[1e999,{"b":null}],"a":"\ud800"}`))
	f.Add(uint8(1), "v1a,"+strings.Repeat("A", 86)+"==", "-1", []byte(strings.Repeat("[", 2000)))
	f.Fuzz(func(t *testing.T, which uint8, value, timestamp string, body []byte) {
		s := signers[int(which)%len(signers)]
		c, err := s.config.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		r := &Request{Header: http.Header{}, Body: body, Secrets: []string{s.secret}, Now: now}
		r.Header.Set(c.Header, value)
		r.Header.Set("Webhook-Id", "id-1")
		r.Header.Set("Webhook-Timestamp", timestamp)
		d := Explain(r)
		if told := fmt.Sprintf("%v %v", d.Causes, d.Why); d.Verdict == Holds || strings.Contains(told, s.secret) || strings.Contains(told, "\n") {
			t.Fatalf("%v: %s", d.Verdict, strconv.Quote(told))
		}
	})
}
