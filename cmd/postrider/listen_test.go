package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// listening runs listen with args, its output thrown away, and gives its URL.
func listening(t *testing.T, args ...string) (url string, done chan int) {
	t.Helper()
	stdout, stderr, done := startListen(t, args...)
	url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(readLine(t, stderr))
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return url, done
}

func TestListenForwardsByteForByte(t *testing.T) {
	type seen struct {
		line, host, body string
		header           http.Header
	}
	got := make(chan seen, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method + " " + r.RequestURI, r.Host, string(body), r.Header}
		w.Header().Set("X-Answer", "mine")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, "not here\n")
	}))
	defer other.Close()
	for to, want := range map[string]string{"": "POST /hook/a%2Fb?k=v", "/own": "POST /own"} {
		url, _ := listening(t, "--forward", other.URL+to)
		const body = "{ \"n\":1.0,\r\n\"x\":\"\xff\\u0026\"}\n"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hook/a%2Fb?k=v", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		sent := http.Header{"X-Sequr-Signature": {"sha1=00"}, "X-Twice": {"a", "b, c"}, "Content-Type": {"application/json"}, "Webhook-Id": {"id-1"}}
		req.Header = sent.Clone()
		req.Header.Set("User-Agent", "")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 307 || string(answer) != "not here\n" || resp.Header.Get("X-Answer") != "mine" {
			t.Errorf("%d %q %v", resp.StatusCode, answer, resp.Header)
		}
		s := <-got
		if s.line != want || s.body != body || s.host != strings.TrimPrefix(other.URL, "http://") {
			t.Errorf("forwarded %+v, want %s", s, want)
		}
		for name, values := range sent {
			if !slices.Equal(s.header[name], values) {
				t.Errorf("%s: %q, want %q", name, s.header[name], values)
			}
		}
		if s.header.Get("User-Agent") != "" {
			t.Errorf("a User-Agent was made up: %q", s.header.Get("User-Agent"))
		}
	}
}

func TestListenForwardsToNobody(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	stdout, stderr, _ := startListen(t, "--forward", gone.URL)
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(readLine(t, stderr))
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	printed := make(chan string, 1)
	go func() {
		var all string
		for !strings.Contains(all, "answered") {
			all = readLine(t, stdout)
		}
		printed <- all
		_, _ = io.Copy(io.Discard, stdout)
	}()
	resp, err := http.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil || resp.StatusCode != http.StatusBadGateway {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	if line := <-printed; !strings.Contains(line, "502: 127.0.0.1:") || !strings.Contains(line, "cannot be reached") {
		t.Errorf("printed %q", line)
	}
}

// The same seed fails the same deliveries; a failed one is not forwarded.
func TestListenFailsBySeed(t *testing.T) {
	statuses := func(seed string) (all []int) {
		url, done := listening(t, "--fail-rate", "50%", "--fail-status", "503", "--seed", seed, "--status", "202", "--delay", "0s-1ms", "--count", "40")
		for range 40 {
			resp, err := http.Post(url, "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			all = append(all, resp.StatusCode)
		}
		if code := <-done; code != 0 {
			t.Errorf("left with %d", code)
		}
		return all
	}
	first, again, other := statuses("7"), statuses("7"), statuses("8")
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Errorf("%v\n%v\n%v", first, again, other)
	}
	if !slices.Contains(first, 202) || !slices.Contains(first, 503) {
		t.Errorf("%v", first)
	}
}

func TestListenWaits(t *testing.T) {
	url, _ := listening(t, "--delay", "200ms-300ms")
	began := time.Now()
	resp, err := http.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestWhimsKeepTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "least"))
		most := least + time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "more"))
		rate := rapid.Float64Range(0, 1).Draw(t, "rate")
		w := newWhims(rapid.Uint64().Draw(t, "seed"), waits{least, most}, rate)
		failed := 0
		const n = 2000
		for range n {
			wait, fail := w.next()
			if wait < least || wait > most {
				t.Fatalf("waits %s, not %s to %s", wait, least, most)
			}
			if fail {
				failed++
			}
		}
		if share := float64(failed) / n; share < rate-0.07 || share > rate+0.07 {
			t.Fatalf("%v failed of a rate of %v", share, rate)
		}
	})
}

func TestReadWaitsAndShares(t *testing.T) {
	for in, want := range map[string]string{
		"0s": "{0s 0s}", "200ms": "{200ms 200ms}", "100ms-2s": "{100ms 2s}", " 1s - 2s ": "{1s 2s}", "2s-1s": "wrong", "-1s": "wrong", "2h": "wrong", "soon": "wrong", "1s-": "wrong", "": "wrong",
	} {
		got, err := readWaits(in)
		if text := fmt.Sprintf("{%s %s}", got.least, got.most); (err != nil) != (want == "wrong") || err == nil && text != want {
			t.Errorf("%q: %s %v, want %s", in, text, err, want)
		}
	}
	for in, want := range map[string]float64{"0": 0, "1": 1, "0.25": 0.25, "10%": 0.1, "100 %": 1, "1.1": -1, "101%": -1, "-1": -1, "NaN": -1, "": -1, "%": -1} {
		got, err := readShare("fail-rate", in)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %v %v, want %v", in, got, err, want)
		}
	}
}
