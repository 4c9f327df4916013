package webhook

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// answerAtOnce answers each request as soon as it is read, with little work of its own.
func answerAtOnce(c net.Conn) {
	in := bufio.NewReaderSize(c, 8<<10)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	for {
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if value, is := bytes.CutPrefix(line, []byte("Content-Length: ")); is {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
		}
		if _, err := in.Discard(length); err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// BenchmarkSend renders, signs (HMAC-SHA512) and posts 1 KiB; BenchmarkBare
// posts the same bytes, signed once, with an http.Client on the same terms.
func BenchmarkSend(b *testing.B) {
	target := newTarget(b, newSender(b), serveRaw(b, answerAtOnce), limit(15*time.Second))
	ev := newEvent()
	ev.Data = []byte(`{"text":"` + strings.Repeat("x", 1024-11) + `"}`)
	side(b, func() bool {
		return target.Send(context.Background(), ev, 1).Class == transport.Delivered
	})
}

func BenchmarkBare(b *testing.B) {
	target := newTarget(b, newSender(b), serveRaw(b, answerAtOnce))
	ev := newEvent()
	ev.Data = []byte(`{"text":"` + strings.Repeat("x", 1024-11) + `"}`)
	made, err := target.render(ev)
	if err != nil {
		b.Fatal(err)
	}
	head := target.build(context.Background(), ev, time.Unix(1, 0), made).Header
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}}
	defer client.CloseIdleConnections()
	url := target.request.URL.String()
	side(b, func() bool {
		req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(made.body))
		if err != nil {
			return false
		}
		req.Header = head
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func side(b *testing.B, send func() bool) {
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if !send() {
				b.Error("not delivered")
				return
			}
		}
	})
}
