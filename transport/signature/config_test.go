package signature_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/signature"
)

type config = signature.Config

func TestResolveFillsIn(t *testing.T) {
	for _, c := range []struct {
		name        string
		given, want config
	}{
		{"sequr", config{Scheme: "sequr"}, config{"sequr", "X-Sequr-Signature", "sha1", "hex", "sha1="}},
		{"genlogs", config{Scheme: "genlogs"}, config{"genlogs", "X-GenLogs-Signature", "sha512", "hex", "sha512="}},
		{"genlogs, spelled out", config{"genlogs", "x-genlogs-signature", "sha512", "hex", "sha512="}, config{"genlogs", "X-GenLogs-Signature", "sha512", "hex", "sha512="}},
		{"standard", config{Scheme: "standard"}, config{"standard", "webhook-signature", "sha256", "base64", "v1,"}},
		{"none", config{Scheme: "none"}, config{Scheme: "none"}},
		{"hmac, defaults", config{Scheme: "hmac", Header: "X-Signature"}, config{"hmac", "X-Signature", "sha256", "hex", ""}},
		{"hmac, as GitHub has it", config{Scheme: "hmac", Header: "X-Hub-Signature-256", Prefix: "sha256="}, config{"hmac", "X-Hub-Signature-256", "sha256", "hex", "sha256="}},
		{"hmac, as Teams has it", config{"hmac", "Authorization", "sha256", "base64", "HMAC "}, config{"hmac", "Authorization", "sha256", "base64", "HMAC "}},
		{"hmac, sha512", config{"hmac", "x_odd~name", "sha512", "base64", "a b"}, config{"hmac", "x_odd~name", "sha512", "base64", "a b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.given.Resolve()
			if err != nil || got != c.want {
				t.Fatalf("%+v, %v; want %+v", got, err, c.want)
			}
			if again, err := got.Resolve(); err != nil || again != got {
				t.Errorf("resolved again: %+v, %v", again, err)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	long := strings.Repeat("x", 129)
	for _, c := range []struct {
		name          string
		given         config
		field, remedy string
	}{
		{"no scheme", config{}, "scheme", "must be one of sequr, genlogs, standard, hmac or none"},
		{"unknown scheme", config{Scheme: "Sequr"}, "scheme", "must be one of"},
		{"sequr, other header", config{Scheme: "sequr", Header: "X-Mine"}, "header", "choose scheme hmac"},
		{"sequr, other algorithm", config{Scheme: "sequr", Algorithm: "sha256"}, "algorithm", `always has "sha1"`},
		{"genlogs, other encoding", config{Scheme: "genlogs", Encoding: "base64"}, "encoding", `always has "hex"`},
		{"standard, other prefix", config{Scheme: "standard", Prefix: "v2,"}, "prefix", `always has "v1,"`},
		{"none, with a header", config{Scheme: "none", Header: "X-Mine"}, "header", "leave this empty"},
		{"hmac, no header", config{Scheme: "hmac"}, "header", "such as X-Signature"},
		{"hmac, blank in header", config{Scheme: "hmac", Header: "X Mine"}, "header", "letters, digits"},
		{"hmac, colon in header", config{Scheme: "hmac", Header: "X-Mine:"}, "header", "letters, digits"},
		{"hmac, line end in header", config{Scheme: "hmac", Header: "X-Mine\r\nX"}, "header", "letters, digits"},
		{"hmac, header not ASCII", config{Scheme: "hmac", Header: "X-Größe"}, "header", "letters, digits"},
		{"hmac, long header", config{Scheme: "hmac", Header: long}, "header", "at most 128"},
		{"hmac, Host", config{Scheme: "hmac", Header: "Host"}, "header", "choose another"},
		{"hmac, content-length", config{Scheme: "hmac", Header: "content-length"}, "header", "choose another"},
		{"hmac, CONTENT-TYPE", config{Scheme: "hmac", Header: "CONTENT-TYPE"}, "header", "choose another"},
		{"hmac, Connection", config{Scheme: "hmac", Header: "Connection"}, "header", "choose another"},
		{"hmac, Transfer-Encoding", config{Scheme: "hmac", Header: "Transfer-Encoding"}, "header", "choose another"},
		{"hmac, TE", config{Scheme: "hmac", Header: "TE"}, "header", "choose another"},
		{"hmac, webhook-id", config{Scheme: "hmac", Header: "webhook-id"}, "header", "choose another"},
		{"hmac, X-GenLogs-Event", config{Scheme: "hmac", Header: "X-GenLogs-Event"}, "header", "choose another"},
		{"hmac, md5", config{Scheme: "hmac", Header: "X-S", Algorithm: "md5"}, "algorithm", "sha1, sha256 or sha512"},
		{"hmac, sha521", config{Scheme: "hmac", Header: "X-S", Algorithm: "sha521"}, "algorithm", "sha1, sha256 or sha512"},
		{"hmac, base32", config{Scheme: "hmac", Header: "X-S", Encoding: "base32"}, "encoding", "hex or base64"},
		{"hmac, line end in prefix", config{Scheme: "hmac", Header: "X-S", Prefix: "a\r\nb"}, "prefix", "printable ASCII"},
		{"hmac, DEL in prefix", config{Scheme: "hmac", Header: "X-S", Prefix: "\x7f"}, "prefix", "printable ASCII"},
		{"hmac, blank ahead of prefix", config{Scheme: "hmac", Header: "X-S", Prefix: " a"}, "prefix", "HTTP drops it"},
		{"hmac, long prefix", config{Scheme: "hmac", Header: "X-S", Prefix: long}, "prefix", "at most 128"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.given.Resolve()
			wantConfigError(t, err, c.field, c.remedy)
			_, err = signature.NewSigner(c.given, signature.Secrets{Current: plainSecret})
			wantConfigError(t, err, c.field, c.remedy)
			_, err = signature.NewVerifier(c.given, []string{plainSecret}, 0)
			wantConfigError(t, err, c.field, c.remedy)
		})
	}
}

func wantConfigError(t *testing.T, err error, field, remedy string) {
	t.Helper()
	var c *signature.ConfigError
	if !errors.As(err, &c) {
		t.Fatalf("%v, want a *ConfigError of %s", err, field)
	}
	if c.Field != field || !strings.Contains(c.Message, remedy) {
		t.Errorf("%v, want %s: … %s …", err, field, remedy)
	}
}
