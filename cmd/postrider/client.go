package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
)

const (
	// serverVariable names the node's API where --server does not.
	serverVariable = "POSTRIDER_SERVER"
	maxAnswer      = 64 << 20
	requestTimeout = 90 * time.Second
)

// client speaks to a node's HTTP API.
type client struct {
	base, token string
	http        *http.Client
}

// apiError is an answer of the API that is no success.
type apiError struct {
	Status  int
	Message string
}

func (e *apiError) Error() string { return e.Message }

func (a *app) client() (*client, error) {
	server, err := a.serverURL()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usagef("%s %q is not an address such as %s", a.serverFrom(), server, defaultServer)
	}
	token, err := a.token(u)
	if err != nil {
		return nil, err
	}
	secure, err := a.clientTLS()
	if err != nil {
		return nil, err
	}
	hc := &http.Client{
		Transport:     clientTransport(secure),
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &client{base: strings.TrimSuffix(server, "/"), token: token, http: hc}, nil
}

// serverURL is where the node's API is: the flag, the environment, or where a
// node with these settings listens.
func (a *app) serverURL() (string, error) {
	if server := cmp.Or(a.server, a.getenv(serverVariable)); server != "" {
		return server, nil
	}
	c, err := a.settings()
	if err != nil {
		return "", err
	}
	return apiURL(c), nil
}

// serverFrom names what the address was given by.
func (a *app) serverFrom() string {
	if a.server == "" {
		return serverVariable
	}
	return "--server"
}

// apiURL is how a client on this machine reaches an API that listens so.
func apiURL(c *config.Config) string {
	host, port, err := net.SplitHostPort(c.HTTP.Listen)
	if err != nil {
		return defaultServer // the settings' own check tells
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if c.HTTP.TLSCert != "" {
		return "https://" + net.JoinHostPort(host, port)
	}
	return "http://" + net.JoinHostPort(host, port)
}

// token is the flag's, the environment's, or a development node's own. The
// last goes to this machine alone.
func (a *app) token(server *url.URL) (string, error) {
	if a.tokenFlag != "" {
		return a.tokenFlag, nil
	}
	if t := a.getenv("POSTRIDER_TOKEN"); t != "" {
		return t, nil
	}
	if !onThisMachine(server.Hostname()) {
		return "", errors.New("no token for " + server.Host + "; give --token or POSTRIDER_TOKEN (postrider token makes one)")
	}
	c, err := a.settings()
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.Data, node.AdminTokenFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("no token: %s is not there; give --token or POSTRIDER_TOKEN, or --data with a development node's data folder", path)
	}
	if err != nil {
		return "", fmt.Errorf("no token: %w; give --token or POSTRIDER_TOKEN", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// call makes one request with in as JSON (nil: no body) and reads the answer
// into out (nil: it is left unread). It gives the status.
func (c *client) call(ctx context.Context, method, path string, in, out any) (int, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	return c.send(ctx, method, path, "application/json", body, out)
}

func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader, out any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return 0, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	status, _, err := c.do(req, out)
	return status, err
}

// look is a GET that gives the tag of what it read.
func (c *client) look(ctx context.Context, path string, out any) (tag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return "", err
	}
	_, header, err := c.do(req, out)
	return header.Get("ETag"), err
}

// change is call for a thing whose state of tag the caller has seen ("": any):
// the API refuses it where another change came between. It gives the tag of
// the state that is answered.
func (c *client) change(ctx context.Context, method, path, tag string, in, out any) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if tag != "" {
		req.Header.Set("If-Match", tag)
	}
	_, header, err := c.do(req, out)
	return header.Get("ETag"), err
}

func (c *client) do(req *http.Request, out any) (int, http.Header, error) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, c.unreachable(req.Context(), err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, c.unreachable(req.Context(), err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, resp.Header, answerError(c.base, resp.StatusCode, b)
	}
	if out == nil || len(bytes.TrimSpace(b)) == 0 {
		return resp.StatusCode, resp.Header, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return resp.StatusCode, resp.Header, fmt.Errorf("%s gave an answer that is not Postrider's (%w); check --server", c.base, err)
	}
	return resp.StatusCode, resp.Header, nil
}

func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		return fmt.Errorf("cannot reach %s: %w; start a node (postrider serve --dev) or give --server", c.base, dial.Err)
	}
	return fmt.Errorf("%s did not answer: %w; try again, or look at its /readyz", c.base, err)
}

// lists are the commands that help where a thing was not found.
var lists = map[string]string{
	"EndpointNotFoundError":   "postrider endpoint list",
	"DeadLetterNotFoundError": "postrider deadletter list",
	"DeliveryNotFoundError":   "postrider delivery list",
	"AlertNotFoundError":      "postrider alert list",
	"CustomerNotFoundError":   "postrider customer list",
	"RunNotFoundError":        "postrider run list",
}

// answerError is one line from an error answer, in any of the API's shapes.
func answerError(base string, status int, body []byte) error {
	var answer struct {
		Message string `json:"message"`
		Type    string `json:"error_type"`
		Detail  any    `json:"detail"`
		Details struct {
			Field string `json:"field"`
		} `json:"details"`
	}
	text := ""
	if json.Unmarshal(body, &answer) == nil {
		text = answer.Message
		if detail, ok := answer.Detail.(string); ok && text == "" {
			text = detail
		}
	}
	if text == "" {
		text = fmt.Sprintf("%s answered %d %s; check --server", base, status, http.StatusText(status))
	}
	if f := answer.Details.Field; f != "" && !strings.HasPrefix(text, f+":") {
		text = f + ": " + text
	}
	if list := lists[answer.Type]; list != "" {
		text += "; " + list + " shows those there are"
	}
	if status == http.StatusUnauthorized {
		text += "; give another --token or POSTRIDER_TOKEN (postrider token makes one)"
	}
	return &apiError{Status: status, Message: oneLine(text)}
}

// listAll reads the pages of a list, up to limit rows.
func listAll[T any](ctx context.Context, c *client, path string, query url.Values, limit int) ([]T, error) {
	var all []T
	for {
		query.Set("limit", fmt.Sprint(min(500, limit-len(all))))
		var page struct {
			Items      []T    `json:"items"`
			NextCursor string `json:"next_cursor"`
		}
		if _, err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" || len(page.Items) == 0 || len(all) >= limit {
			return all, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}
