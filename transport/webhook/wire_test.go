package webhook

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// What goes into a request line is ASCII, and what no URL may hold is escaped;
// what is escaped already stays.
func TestRequestLines(t *testing.T) {
	ca := newAuthority(t)
	got := make(chan string, 1)
	h := func(_ http.ResponseWriter, r *http.Request) { got <- r.RequestURI }
	plain := serve(t, h).URL
	secured := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = true }, h).URL
	s := newSender(t)
	for path, line := range map[string]string{
		"":                          "/",
		"?a=b":                      "/?a=b",
		"/hook?site=Zürich":         "/hook?site=Z%C3%BCrich",
		"/東京/x":                     "/%E6%9D%B1%E4%BA%AC/x",
		"/a%2Fb/ü?c%7Cd=%":          "/a%2Fb/%C3%BC?c%7Cd=%",
		"/a|b\"<>^`{}\\":            "/a%7Cb%22%3C%3E%5E%60%7B%7D%5C",
		"/x?a|b\"<>^`{}\\'":         "/x?a%7Cb%22%3C%3E%5E%60%7B%7D%5C%27",
		"/x?filter[name]=a&b=c+d?/": "/x?filter[name]=a&b=c+d?/",
		"//double//slash":           "//double//slash",
		"/it's;v=1,2:3@4":           "/it's;v=1,2:3@4",
	} {
		for _, url := range []string{plain, secured} {
			a := newTarget(t, s, url+path, trusting(ca.pem)).Send(context.Background(), newEvent(), 1)
			want(t, a, transport.Delivered, "")
			if uri := <-got; uri != line {
				t.Errorf("%q went out as %q, want %q", path, uri, line)
			}
		}
	}
}

func TestHostsInAnyScript(t *testing.T) {
	got := make(chan string, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Host })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	s := newSender(t, resolving(map[string][][]netip.Addr{"xn--zrich-kva.example": {addrs("127.0.0.1")}}))
	want(t, newTarget(t, s, "http://Zürich.example:"+port).Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	if host := <-got; host != "xn--zrich-kva.example:"+port {
		t.Errorf("host %q", host)
	}
	_, err := s.Prepare(newEndpoint("http://-ü-.example"))
	wantField(t, err, "url")
}

// heads gives the lines of the heads that a receiver gets.
func heads(t *testing.T) (url string, lines func() []string) {
	got := make(chan []string, 4)
	url = serveRaw(t, func(c net.Conn) {
		var lines []string
		in := bufio.NewReader(c)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimRight(line, "\r\n"); line == "" {
				break
			}
			lines = append(lines, line)
		}
		got <- lines
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		_, _ = io.Copy(io.Discard, in)
	})
	return url, func() []string { return <-got }
}

// Names go out as they are configured or documented, whatever net/http makes
// of them, and values in ASCII.
func TestHeaderNamesAreAsConfigured(t *testing.T) {
	url, lines := heads(t)
	s := newSender(t)
	ev := newEvent()
	ev.Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, c := range map[string]struct {
		change func(*transport.Endpoint)
		names  []string
	}{
		"genlogs": {func(ep *transport.Endpoint) {
			ep.Profile, ep.CustomerID = "genlogs", 123
			ep.Headers = map[string]string{"DD-API-KEY": "k", "x-lower": "Zürich", "user-AGENT": "own"}
			ep.Secrets.Previous, ep.Secrets.PreviousUntil = secret+"2", later
		}, []string{"Content-Length", "Content-Type", "DD-API-KEY", "Host", "X-GenLogs-Event", "X-GenLogs-Signature",
			"X-GenLogs-Signature-Previous", "X-GenLogs-Timestamp", "traceparent", "user-AGENT", "webhook-id", "x-lower"}},
		"standard": {func(ep *transport.Endpoint) { ep.Signature.Scheme = "standard" },
			[]string{"Content-Length", "Content-Type", "Host", "User-Agent", "traceparent", "webhook-id", "webhook-signature", "webhook-timestamp"}},
		"hmac": {func(ep *transport.Endpoint) {
			ep.Signature = transport.Signature{Scheme: "hmac", Header: "x-MySignature"}
			ep.Headers = map[string]string{"X-Templated": "${event.data.door}"}
		}, []string{"Content-Length", "Content-Type", "Host", "User-Agent", "X-Templated", "traceparent", "webhook-id", "x-MySignature"}},
		"sequr": {func(ep *transport.Endpoint) { ep.Signature.Scheme = "sequr" },
			[]string{"Content-Length", "Content-Type", "Host", "User-Agent", "X-Sequr-Signature", "traceparent", "webhook-id"}},
	} {
		ev.Data = []byte(`{"door":"Tür"}`)
		want(t, newTarget(t, s, url, c.change).Send(context.Background(), ev, 1), transport.Delivered, "")
		var names []string
		for _, line := range lines()[1:] {
			name, value, _ := strings.Cut(line, ": ")
			names = append(names, name)
			if !isASCII(value) {
				t.Errorf("%s: %q", name, value)
			}
			if name == "x-lower" && value != "Z%C3%BCrich" || name == "X-Templated" && value != "T%C3%BCr" {
				t.Errorf("%s: %q", name, value)
			}
		}
		slices.Sort(names)
		if !slices.Equal(names, c.names) {
			t.Errorf("%s: headers %q\nwant %q", name, names, c.names)
		}
	}
}

// An id from before ids were ASCII arrives, and is signed, percent-encoded.
func TestAnOldIDIsASCIIOnTheWire(t *testing.T) {
	url, lines := heads(t)
	ev := newEvent()
	ev.ID = "tür-1"
	want(t, newTarget(t, newSender(t), url).Send(context.Background(), ev, 1), transport.Delivered, "")
	if all := lines(); !slices.Contains(all, "webhook-id: t%C3%BCr-1") {
		t.Errorf("%q", all)
	}
}
