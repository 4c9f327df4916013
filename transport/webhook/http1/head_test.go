package http1

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func read(text string) (Head, *bufio.Reader, error) {
	in := bufio.NewReaderSize(strings.NewReader(text), 64)
	h, err := ReadHead(in, nil)
	return h, in, err
}

func TestKeepAlive(t *testing.T) {
	for value, lasts := range map[string]time.Duration{
		"timeout=5":           4 * time.Second,
		"timeout=5, max=1000": 4 * time.Second,
		"max=5, Timeout = 30": 90 * time.Second, // a blank before the sign is no parameter
		"timeout=1":           500 * time.Millisecond,
		"timeout=0":           0,
		"timeout=600":         90 * time.Second,
		`timeout="7"`:         6 * time.Second,
		"timeout=x":           90 * time.Second,
		"nonsense":            90 * time.Second,
	} {
		h, _, err := read("HTTP/1.1 200 OK\r\nKeep-Alive: " + value + "\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Conn{head: h}).lasts(); got != lasts {
			t.Errorf("%q: kept for %v, want %v", value, got, lasts)
		}
	}
}

func TestHeadersOfNoSuccess(t *testing.T) {
	h, _, err := read("HTTP/1.1 503 Busy\r\nretry-after: 5\r\nRETRY-AFTER:  6\r\nDate: today\r\nX: y\r\n\r\n")
	if err != nil || len(h.Header) != 2 || strings.Join(h.Header.Values("Retry-After"), "|") != "5|6" || h.Header.Get("Date") != "today" {
		t.Errorf("%v, %v", h.Header, err)
	}
	if h, _, _ = read("HTTP/1.1 200 OK\r\nRetry-After: 5\r\n\r\n"); h.Header != nil {
		t.Errorf("%v of a success", h.Header)
	}
}

// FuzzAgainstNetHTTP: where net/http reads a head without doubt, so do we, and
// the body is the same; and never more than the answer is read.
func FuzzAgainstNetHTTP(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.0 410 Gone\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n1",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
		"HTTP/1.1 200\nX\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, in, err := read(text)
		if err != nil {
			return
		}
		if h.Status < 200 && h.Status != 101 || h.Status > 999 {
			t.Fatalf("status %d", h.Status)
		}
		var b body
		b.begin(in, &h)
		ours, bodyErr := io.ReadAll(&b)
		if h.Fault != "" || h.close || h.frame == untilClose || bodyErr != nil {
			return // the connection ends
		}
		theirs, theirErr := parsed(text)
		if theirErr != nil {
			return // stricter in what decides nothing here, such as names of headers
		}
		if theirs.Code != h.Status || theirs.Body.String() != string(ours) {
			t.Errorf("%d %q, net/http %d %q", h.Status, ours, theirs.Code, theirs.Body)
		}
	})
}

// parsed is what net/http reads.
func parsed(text string) (*httptest.ResponseRecorder, error) {
	in := bufio.NewReader(strings.NewReader(text))
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			_ = resp.Body.Close()
			continue
		}
		out := httptest.NewRecorder()
		out.Code = resp.StatusCode
		_, err = io.Copy(out.Body, resp.Body)
		_ = resp.Body.Close()
		return out, err
	}
}
