package diagnosis

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport/signature"
)

// The names of the schemes that are told apart here.
const (
	standard = "standard"
	genlogs  = "genlogs"
	plain    = "hmac"
)

// The headers of Standard Webhooks.
const (
	idHeader        = "Webhook-Id"
	timestampHeader = "Webhook-Timestamp"
)

// named are the headers that tell their scheme.
var named = []signature.Config{
	{Scheme: standard, Header: "Webhook-Signature"},
	{Scheme: "sequr", Header: "X-Sequr-Signature"},
	{Scheme: genlogs, Header: "X-Genlogs-Signature"},
}

// candidates are the ways h may be signed, the most probable first: a scheme's
// own header, one that ends in Signature and holds an HMAC, and unsure, any
// other that looks like one (an id or a checksum may, too).
func candidates(h http.Header) (sure, unsure []signature.Config) {
	for _, c := range named {
		if h.Get(c.Header) != "" {
			sure = append(sure, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if slices.ContainsFunc(named, func(c signature.Config) bool { return strings.HasPrefix(name, c.Header) }) {
			continue
		}
		c, fits := readHMAC(h.Get(name))
		if c.Header = name; !fits {
			continue
		}
		if strings.HasSuffix(name, "Signature") {
			sure = append(sure, c)
		} else if !strings.HasSuffix(name, previousSuffix) {
			unsure = append(unsure, c)
		}
	}
	return sure, unsure
}

// readHMAC reads the algorithm off an encoded HMAC's length, what stands
// before it being its prefix.
func readHMAC(value string) (signature.Config, bool) {
	for _, s := range spellings(value) {
		if algorithm := algorithms[len(s.sum)]; s.padded {
			return signature.Config{Scheme: plain, Algorithm: algorithm, Encoding: s.encoding, Prefix: s.prefix}, true
		}
	}
	return signature.Config{}, false
}

// words names how c signs, in one line.
func words(c signature.Config, h http.Header) string {
	switch {
	case c.Scheme == standard && isAsymmetric(h.Get(c.Header)):
		return "standard (v1a, ed25519)"
	case c.Scheme != plain:
		return c.Scheme
	case c.Prefix == "":
		return fmt.Sprintf("hmac (%s, %s, %s)", c.Header, c.Algorithm, c.Encoding)
	}
	return fmt.Sprintf("hmac (%s, %s, %s, after %q)", c.Header, c.Algorithm, c.Encoding, c.Prefix)
}

// isAsymmetric tells whether all signatures of a webhook-signature are ed25519.
func isAsymmetric(value string) bool {
	all := strings.Fields(value)
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !strings.HasPrefix(s, "v1a,") })
}
