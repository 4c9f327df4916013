package webhook

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

// asciiURL gives u as a browser would send it: a host in punycode, and what
// RFC 3986 does not let into a path or query percent-encoded. Escapes that are
// there already stay as they are, those of slashes too.
func asciiURL(raw string, u *url.URL) (*url.URL, error) {
	host, err := asciiHost(u)
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(raw, "://")
	target := "/"
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		target = strings.TrimPrefix(rest[at:], "/")
		target = "/" + target
	}
	path, query, queried := strings.Cut(target, "?")
	target = escaped(path, false)
	if queried {
		target += "?" + escaped(query, true)
	}
	out, err := url.Parse(u.Scheme + "://" + host + target)
	if err != nil {
		return nil, &transport.FieldError{Field: "url", Message: "not a URL; give one such as https://example.com/hook"}
	}
	return out, nil
}

func asciiHost(u *url.URL) (string, error) {
	if isASCII(u.Host) {
		return u.Host, nil
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return "", &transport.FieldError{Field: "url", Message: "has a host that is no name in any script; give one such as example.com"}
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return host, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

const upperHex = "0123456789ABCDEF"

// escaped percent-encodes what may not stand in a path or a query. Brackets
// may, by the rules of browsers: PHP's names of parameters have them.
func escaped(s string, query bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("-._~!$&()*+,;=:@/%[]", c) >= 0 || c == '?' && query || c == '\'' && !query {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// asciiValue percent-encodes what a header's value has beyond ASCII: receivers
// read such bytes in different ways, and each signature over them fails.
func asciiValue(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// spelling gives the names of an endpoint's own headers as they were configured,
// by the names that http.Header has. HTTP/2 has small letters only.
type spelling map[string]string

func spellingOf(ep *transport.Endpoint, r *payload.Renderer) spelling {
	s := spelling{}
	add := func(name string) {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			s[canonical] = name
		}
	}
	for name := range r.FixedHeaders() {
		add(name)
	}
	for name := range ep.Headers {
		add(name)
	}
	return s
}

func (s spelling) of(canonical string) string {
	if name, other := s[canonical]; other {
		return name
	}
	return canonical
}

// requestHead is the beginning of every request: all that no attempt changes.
func (t *Target) requestHead() []byte {
	u := t.request.URL
	head := append([]byte("POST "+u.RequestURI()+" HTTP/1.1\r\nHost: "), u.Host...)
	head = append(head, "\r\n"...)
	return t.appendHeaders(head, t.fixed)
}

func (t *Target) appendHeaders(b []byte, h http.Header) []byte {
	for canonical, values := range h {
		name := t.spelling.of(canonical)
		for _, value := range values {
			b = appendLine(b, name, value)
		}
	}
	return b
}

func appendLine(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// appendChanging appends the lines that differ from attempt to attempt. The
// endpoint's own headers have none of the sender's names.
func (t *Target) appendChanging(b []byte, ev *transport.Event, at time.Time, r rendered) []byte {
	for canonical, values := range r.headers {
		if t.changing[canonical] == nil {
			b = appendLine(b, t.spelling.of(canonical), asciiValue(values[0]))
		}
	}
	id := asciiValue(ev.ID)
	if !t.idSigned {
		b = appendLine(b, "webhook-id", id)
	}
	if traceable(ev.Traceparent) {
		b = appendLine(b, "traceparent", ev.Traceparent)
	}
	b = t.renderer.AppendLines(b, ev, at, asciiValue)
	return t.signer.AppendLines(b, id, at, r.body)
}

// header has what an attempt sends, as HTTP/2 wants it and people look at it.
func (t *Target) header(ev *transport.Event, at time.Time, r rendered) http.Header {
	h := headerOf(t.appendChanging(nil, ev, at, r))
	for name, values := range t.fixed {
		h[name] = values
	}
	return h
}

// headerOf reads lines that appendLine wrote.
func headerOf(lines []byte) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(lines), "\r\n"), "\r\n") {
		if name, value, found := strings.Cut(line, ": "); found {
			h[http.CanonicalHeaderKey(name)] = []string{value}
		}
	}
	return h
}

// requests are what requests are put together in.
var requests = sync.Pool{New: func() any { return new([]byte) }}

// maxInOne is the largest body that is written together with its head: it fits
// what a receiver's machine takes whether or not the receiver reads.
const maxInOne = 32 << 10

// compose writes the request of one attempt, but for a large body.
func (t *Target) compose(b []byte, ev *transport.Event, r rendered) []byte {
	b = append(b, t.head...)
	b = t.appendChanging(b, ev, t.sender.now(), r)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(r.body) <= maxInOne {
		b = append(b, r.body...)
	}
	return b
}
