package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRequestReader(t *testing.T) {
	const post = "POST /e/1 HTTP/1.1\r\nHost: x\r\n"
	long := strings.Repeat("x", maxSinkLine+1)
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"a delivery", post + "Content-Length: 2\r\n\r\n{}", nil},
		{"any spelling of a header", post + "cOnTeNt-LeNgTh:2\r\n\r\n{}", nil},
		{"an empty body", post + "Content-Length: 0\r\n\r\n", nil},
		{"a body over the buffer", post + "Content-Length: 16385\r\n\r\n" + long, nil},
		{"the peer has gone", "", io.EOF},
		{"in the middle of a line", "POST /", io.ErrUnexpectedEOF},
		{"in the middle of the headers", post, io.ErrUnexpectedEOF},
		{"in the middle of the body", post + "Content-Length: 3\r\n\r\n{}", io.ErrUnexpectedEOF},
		{"another method", "GET / HTTP/1.1\r\n\r\n", errMethod},
		{"another version", "POST / HTTP/1.0\r\n\r\n", errVersion},
		{"not HTTP", "\x16\x03\x01\n", errBadRequest},
		{"a header without a name", post + ": x\r\n\r\n", errBadRequest},
		{"no length", post + "\r\n", errNoLength},
		{"chunks", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errNoLength},
		{"a length that is no number", post + "Content-Length: -1\r\n\r\n", errBadRequest},
		{"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", errBadRequest},
		{"a body too large", post + "Content-Length: 999999999999\r\n\r\n", errTooLarge},
		{"an expectation", post + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", errExpect},
		{"a line too long", post + "X: " + long, errHeaders},
		{"too many headers", post + strings.Repeat("X: y\r\n", maxSinkHeaders+1), errHeaders},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := newRequestReader(strings.NewReader(c.in)).next(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestRequestReaderTakesOneAfterTheOther(t *testing.T) {
	large := strings.Repeat("y", maxSinkLine*2)
	var in bytes.Buffer
	for _, body := range []string{`{"a":1}`, large, ``, `{"b":2}`} {
		req, _ := http.NewRequest(http.MethodPost, "http://x/e/7", strings.NewReader(body))
		req.Header.Set("Webhook-Id", "id-"+body[:min(len(body), 4)])
		req.Header.Set(signatureHeader, "sha512=ab")
		req.Close = body == `{"b":2}`
		if err := req.Write(&in); err != nil {
			t.Fatal(err)
		}
	}
	r := newRequestReader(&in)
	for _, want := range []struct {
		id, body string
		last     bool
	}{{`id-{"a"`, `{"a":1}`, false}, {"id-yyyy", large, false}, {"id-", ``, false}, {`id-{"b"`, `{"b":2}`, true}} {
		if err := r.next(); err != nil {
			t.Fatal(err)
		}
		if string(r.path) != "/e/7" || string(r.id) != want.id || string(r.body) != want.body ||
			string(r.signature) != "sha512=ab" || r.last != want.last {
			t.Errorf("got %s %s %q %t, want id %s", r.path, r.id, r.signature, r.last, want.id)
		}
	}
	if err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last request: %v", err)
	}
}

// FuzzRequestReader: what the sink takes, net/http takes with the same body.
func FuzzRequestReader(f *testing.F) {
	f.Add([]byte("POST /e/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nWebhook-Id: a\r\n\r\n{}POST /"))
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\nConnection: close\nContent-Length: 1\n\nx"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newRequestReader(bytes.NewReader(in))
		if r.next() != nil {
			return
		}
		if len(r.body) > len(in) || len(r.id) > len(in) || len(r.signature) > len(in) {
			t.Fatal("more was read than was sent")
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return // net/http looks at more than the sink does
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || !bytes.Equal(body, r.body) {
			t.Fatalf("body %q, net/http reads %q (%v)", r.body, body, err)
		}
	})
}
