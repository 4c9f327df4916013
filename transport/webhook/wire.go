package webhook

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

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

// spelling gives headers' names as they were configured, or are documented, by
// the names that http.Header has. HTTP/2 has small letters only.
type spelling map[string]string

var documented = []string{
	"webhook-id", "webhook-timestamp", "webhook-signature", "traceparent",
	"X-GenLogs-Event", "X-GenLogs-Timestamp",
}

func spellingOf(ep *transport.Endpoint, signed string, r *payload.Renderer) spelling {
	s := spelling{}
	add := func(name string) {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			s[canonical] = name
		}
	}
	for _, name := range documented {
		add(name)
	}
	if signed != "" {
		add(signed)
		add(signed + "-Previous")
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
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, value...)
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// scratch is what a request is put together in.
type scratch struct {
	changing http.Header
	request  []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{changing: http.Header{}} }}

// maxInOne is the largest body that is written together with its head: it fits
// what a receiver's machine takes whether or not the receiver reads.
const maxInOne = 32 << 10

// compose writes the request of one attempt, but for a large body.
func (t *Target) compose(s *scratch, ev *transport.Event, r rendered) {
	clear(s.changing)
	t.setHeaders(s.changing, ev, t.sender.now(), r)
	b := append(s.request[:0], t.head...)
	b = t.appendHeaders(b, s.changing)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(r.body) <= maxInOne {
		b = append(b, r.body...)
	}
	s.request = b
}
