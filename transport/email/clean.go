package email

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
)

// line makes one line of s: what comes from outside must not begin a line of
// its own, hide, or turn round what stands beside it. At most limit characters, of
// the first 16 times as many bytes.
func line(s string, limit int) string {
	s = s[:min(len(s), 16*limit)]
	s = strings.Join(strings.FieldsFunc(visible(s), unicode.IsSpace), " ")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:limit-1])) + "…"
}

// visible takes out of s what is not UTF-8, control characters other than line
// ends and tabs, and invisible ones that change direction or hide.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == joiner || r == nonJoiner:
			return r
		case r == '\u2028' || r == '\u2029' || r == '\r':
			return '\n'
		case unicode.Is(unicode.Cf, r) || unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// Some scripts, and composed emoji, are not written right without these.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// safeURL gives s where a mail may link to it (http or https, a host, nothing
// that is not printable), else "".
func safeURL(s string) string {
	if s == "" || len(s) > transport.MaxURLLength || strings.ContainsFunc(s, notInURL) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return s
}

func notInURL(r rune) bool {
	return r <= ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune("<>\"\\^`{|}", r) ||
		unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// origin is the part of a URL that tells no secret: paths and queries may.
func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
