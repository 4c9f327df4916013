package signature

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Config says how bodies are signed; empty fields are the scheme's own.
//
// Scheme is "sequr", "genlogs", "standard", "hmac" or "none". The other fields
// can be chosen with "hmac" only: Header is any header name that is free,
// Algorithm "sha1", "sha256" or "sha512", Encoding "hex" or "base64", Prefix
// what stands before the encoded signature.
type Config struct {
	Scheme, Header, Algorithm, Encoding, Prefix string
}

// ConfigError says which field is wrong and what to do about it. Field is the
// name as in JSON: scheme, header, algorithm, encoding, prefix, secret or
// tolerance. Message never repeats what was given: it may be a secret that
// landed in the wrong field.
type ConfigError struct{ Field, Message string }

func (e *ConfigError) Error() string { return e.Field + ": " + e.Message }

// The names the schemes are written with.
const (
	sequr    = "sequr"
	genlogs  = "genlogs"
	standard = "standard"
	plain    = "hmac"
	none     = "none"
)

const (
	schemeNames = "sequr, genlogs, standard, hmac or none"
	maxText     = 128
)

// fixed holds the schemes that leave nothing to choose. For standard it is the
// symmetric form: a whsk_ key signs with ed25519 and v1a whatever stands here.
var fixed = map[string]Config{
	sequr:    {sequr, "X-Sequr-Signature", "sha1", "hex", "sha1="},
	genlogs:  {genlogs, "X-GenLogs-Signature", "sha512", "hex", "sha512="},
	standard: {standard, "webhook-signature", "sha256", "base64", "v1,"},
	none:     {Scheme: none},
}

// reserved names headers that belong to the connection, to the request itself
// or to the sender, in canonical form; all that begin with Proxy- do too.
var reserved = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
	"Expect", "Host", "Http2-Settings", "Keep-Alive", "Proxy", "Te", "Traceparent", "Tracestate", "Trailer", "Transfer-Encoding",
	"Upgrade", "User-Agent", idHeader, timestampHeader,
	"X-Genlogs-Event", "X-Genlogs-Timestamp",
}

// Resolve returns c with every field of its scheme filled in, or the
// *ConfigError of the first field that is wrong. Resolving twice changes
// nothing.
func (c Config) Resolve() (Config, error) {
	if c.Scheme == plain {
		return c.resolvePlain()
	}
	want, known := fixed[c.Scheme]
	if !known {
		return Config{}, &ConfigError{"scheme", "must be one of " + schemeNames}
	}
	if c.Header != "" && !strings.EqualFold(c.Header, want.Header) {
		return Config{}, fixedError("header", c.Scheme, want.Header)
	}
	for _, f := range []struct{ name, given, want string }{
		{"algorithm", c.Algorithm, want.Algorithm},
		{"encoding", c.Encoding, want.Encoding},
		{"prefix", c.Prefix, want.Prefix},
	} {
		if f.given != "" && f.given != f.want {
			return Config{}, fixedError(f.name, c.Scheme, f.want)
		}
	}
	return want, nil
}

func fixedError(field, scheme, want string) error {
	if scheme == none {
		return &ConfigError{field, "scheme none sends no signature: leave this empty"}
	}
	return &ConfigError{field, fmt.Sprintf("scheme %s always has %q: leave this empty, or choose scheme hmac to set it", scheme, want)}
}

func (c Config) resolvePlain() (Config, error) {
	if c.Algorithm == "" {
		c.Algorithm = "sha256"
	}
	if c.Encoding == "" {
		c.Encoding = "hex"
	}
	if problem := headerProblem(c.Header); problem != "" {
		return Config{}, &ConfigError{"header", problem}
	}
	if _, known := algorithms[c.Algorithm]; !known {
		return Config{}, &ConfigError{"algorithm", "must be sha1, sha256 or sha512; empty means sha256"}
	}
	if c.Encoding != "hex" && c.Encoding != "base64" {
		return Config{}, &ConfigError{"encoding", "must be hex or base64; empty means hex"}
	}
	if problem := prefixProblem(c.Prefix); problem != "" {
		return Config{}, &ConfigError{"prefix", problem}
	}
	return c, nil
}

func headerProblem(name string) string {
	switch {
	case name == "":
		return "scheme hmac needs the name of a header, such as X-Signature"
	case len(name) > maxText:
		return fmt.Sprintf("must have at most %d characters", maxText)
	case strings.ContainsFunc(name, func(r rune) bool { return !isTokenRune(r) }):
		return "may hold letters, digits and !#$%&'*+-.^_`|~ only, such as X-Signature"
	case slices.Contains(reserved, http.CanonicalHeaderKey(name)), strings.HasPrefix(strings.ToLower(name), "proxy-"):
		return "is set by the connection or by the sender itself: choose another, such as X-Signature"
	}
	return ""
}

// prefixProblem refuses what would not arrive as it was written: HTTP takes
// away leading blanks, and proxies differ on bytes outside ASCII.
func prefixProblem(prefix string) string {
	switch {
	case len(prefix) > maxText:
		return fmt.Sprintf("must have at most %d characters", maxText)
	case strings.HasPrefix(prefix, " "):
		return "must not begin with a blank: HTTP drops it"
	case strings.ContainsFunc(prefix, func(r rune) bool { return r < ' ' || r > '~' }):
		return "may hold printable ASCII characters only, such as sha256="
	}
	return ""
}

// isTokenRune tells whether r may be part of a header name (RFC 9110, 5.6.2).
func isTokenRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
