package config

import (
	"fmt"
	"io"
	"strings"
)

// Mask stands where a secret would be shown. It is refused as a value, so that
// printed settings cannot be mistaken for real ones.
const Mask = "********"

// Secret is a string that no fmt verb, log line or encoder shows.
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is the mask, or empty where nothing is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format masks under every verb, %x and %q among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks in JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URL is an address that may hold a password or a token, of its user or in its
// query; these are masked wherever it is shown.
type URL string

// Reveal gives the address with its secrets.
func (u URL) Reveal() string { return string(u) }

// String is the address with the user's secrets and the values of its query
// masked, {placeholders} aside. It errs on the side of masking: of several
// addresses with users, all between the first user and the last @ is masked.
func (u URL) String() string {
	s, query, asks := strings.Cut(maskUser(string(u)), "?")
	if !asks {
		return s
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, named := strings.Cut(pair, "=")
		switch {
		case !named:
			pairs[i] = Mask // all of it may be the secret
		case !strings.HasPrefix(value, "{") || strings.IndexByte(value, '}') != len(value)-1:
			pairs[i] = name + "=" + Mask
		}
	}
	return s + "?" + strings.Join(pairs, "&")
}

func maskUser(s string) string {
	start := 0
	if i := strings.Index(s, "://"); i >= 0 {
		start = i + len("://")
	}
	at := strings.LastIndexByte(s, '@')
	if at < start {
		return s
	}
	user := ""
	if i := strings.IndexByte(s[start:at], ':'); i >= 0 {
		user = s[start : start+i+1]
	}
	return s[:start] + user + Mask + s[at:]
}

// Format masks under every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText masks in JSON, YAML and slog.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
