package webhook

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// redirectDetail tells where a 3xx points to, as far as it may be told: host
// and scheme, for a path or a query may hold a credential.
func redirectDetail(status int, h http.Header, from *url.URL) string {
	text := "the receiver answered " + strconv.Itoa(status)
	location := h.Get("Location")
	if location == "" {
		return text + " and points nowhere; redirects are not followed"
	}
	to, err := from.Parse(location)
	if err != nil || to.Host == "" || strings.ContainsFunc(to.Host, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return text + " and points to what is no URL; redirects are not followed"
	}
	return text + " and points to " + placeOf(from, to) + "; redirects are not followed: give the URL it points to"
}

func placeOf(from, to *url.URL) string {
	sameHost, slashed := strings.EqualFold(from.Host, to.Host), strings.TrimSuffix(to.Path, "/") == strings.TrimSuffix(from.Path, "/")
	switch {
	case sameHost && from.Scheme != to.Scheme:
		return to.Scheme + " on the same host"
	case !sameHost:
		return to.Scheme + "://" + to.Host
	case slashed && len(to.Path) > len(from.Path):
		return "the same URL with a slash at its end"
	case slashed && len(to.Path) < len(from.Path):
		return "the same URL without the slash at its end"
	case slashed:
		return "the same URL again"
	}
	return "another path on the same host"
}
