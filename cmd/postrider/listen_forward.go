package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"
)

const (
	// forwardTimeout is the most that an endpoint's time limit can be.
	forwardTimeout = 60 * time.Second
	maxForwarded   = 1 << 20
)

// forwarder passes deliveries on to another receiver.
type forwarder struct {
	to   *url.URL
	http *http.Client
}

func newForwarder(to string) (*forwarder, error) {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usagef("--forward %q is not a URL such as http://127.0.0.1:3000/hook", to)
	}
	return &forwarder{u, &http.Client{
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}, Timeout: forwardTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// reply is what a delivery is answered.
type reply struct {
	status int
	header http.Header
	body   []byte
	note   string
}

// connectionHeaders belong to one connection (RFC 9110, 7.6.1), and are not
// passed on.
var connectionHeaders = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// pass makes the same request to the other receiver and gives its answer; 502
// where there is none.
func (f *forwarder) pass(ctx context.Context, req *http.Request, body []byte) reply {
	began := time.Now()
	resp, err := f.send(ctx, req, body)
	if err != nil {
		return reply{status: http.StatusBadGateway, note: fmt.Sprintf("502: %s cannot be reached: %v", f.to.Host, innermost(err))}
	}
	defer resp.Body.Close()
	answer, err := readAtMost(resp.Body, "the answer", maxForwarded)
	if err != nil {
		return reply{status: http.StatusBadGateway, note: fmt.Sprintf("502: the answer of %s: %v", f.to.Host, err)}
	}
	for _, name := range connectionHeaders {
		resp.Header.Del(name)
	}
	return reply{resp.StatusCode, resp.Header, answer, fmt.Sprintf("%d by %s in %s", resp.StatusCode, f.to.Host, time.Since(began).Round(time.Millisecond))}
}

func (f *forwarder) send(ctx context.Context, req *http.Request, body []byte) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, req.Method, f.target(req.URL).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = req.Header.Clone()
	for _, name := range connectionHeaders {
		out.Header.Del(name)
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "") // so that none is made up
	}
	return f.http.Do(out)
}

// target is where a delivery goes: as --forward says, with the delivery's own
// path where that has none.
func (f *forwarder) target(came *url.URL) *url.URL {
	to := *f.to
	if to.Path == "" {
		to.Path, to.RawPath, to.RawQuery = came.Path, came.RawPath, came.RawQuery
	}
	return &to
}

// innermost is an error without the URL, which the reader knows.
func innermost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// write sends the reply; a sender that went away has nobody to tell.
func (r *reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}
