package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
	"github.com/postrider/postrider/transport/signature"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// postponedFor is how long an endpoint waits whose customer's share of time for
// expressions is used up by others of its endpoints.
const postponedFor = time.Second

// defaultTimeout is the whole attempt's limit where the endpoint names none.
const defaultTimeout = 15 * time.Second

// Target is one endpoint, compiled for sending. It never changes: after a
// change of the endpoint prepare a new one and Close this. Safe for concurrent
// use.
type Target struct {
	sender   *Sender
	customer string
	endpoint string
	shared   *settings
	route    *route
	renderer *payload.Renderer
	signer   *signature.Signer
	timeout  time.Duration
	success  policy
	host     string
	// request is what every attempt's request begins as.
	request *http.Request
	// fixed are the headers that never change; their values are shared.
	fixed http.Header
	// changing are those that each attempt sets itself.
	changing http.Header
	// idSigned: the signature's headers have webhook-id among them.
	idSigned bool
	// head is what every request begins with on HTTP/1.1.
	head     []byte
	spelling spelling
	// own are the names of the endpoint's own headers, veil what masks their
	// values, and the secrets, in answers.
	own  []string
	veil transport.Veil
	// revision and settings are those of each Answer.
	revision uint64
	settings uint32
	closed   sync.Once
}

// Prepare compiles ep; errors are *transport.FieldError. A Target is to be
// closed. The address is not looked at here but at each dial.
func (s *Sender) Prepare(ep *transport.Endpoint) (*Target, error) {
	u, err := s.parse(ep.URL)
	if err != nil {
		return nil, err
	}
	if err := ep.CheckHeaders(); err != nil {
		return nil, err
	}
	success, err := policyOf(ep.Delivery.Success)
	if err != nil {
		return nil, err
	}
	renderer, err := payload.New(ep)
	if err != nil {
		return nil, err
	}
	signer, err := signerOf(ep)
	if err != nil {
		return nil, err
	}
	signed, err := signature.Config(ep.Signature).Resolve()
	if err != nil {
		return nil, err
	}
	shared, err := s.acquire(ep.TLS)
	if err != nil {
		return nil, err
	}
	t := &Target{
		sender: s, customer: ep.Customer, endpoint: ep.ID, shared: shared, renderer: renderer, signer: signer,
		timeout: time.Duration(ep.Delivery.Timeout), success: success, host: u.Host, veil: ep.Veil(),
		request: &http.Request{
			Method: http.MethodPost, URL: u, Host: u.Host,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		},
		fixed:    fixedHeaders(ep, renderer, s.userAgent),
		idSigned: signed.Scheme == "standard",
		spelling: spellingOf(ep, renderer),
	}
	if t.timeout <= 0 {
		t.timeout = defaultTimeout
	}
	for name := range ep.Headers {
		t.own = append(t.own, http.CanonicalHeaderKey(name))
	}
	t.leaveOut()
	t.head = t.requestHead()
	t.revision, t.settings = ep.Revision, t.fingerprint()
	t.route = s.acquireRoute(http1.Key{
		Owner: ep.Customer, Settings: shared.key, Address: addressOf(u), Secure: u.Scheme == "https",
	}, shared)
	return t, nil
}

// leaveOut takes from the fixed headers what each attempt sets itself.
func (t *Target) leaveOut() {
	t.changing = headerOf(t.appendChanging(nil, &transport.Event{ID: "id", Type: "type"}, time.Time{}, rendered{}))
	for name := range t.changing {
		delete(t.fixed, name)
	}
}

func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// anywhere leaves literal addresses to the guard, whose refusal is an answer.
var anywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// parse checks what this package relies on: a URL whose spelling is sound, and
// https outside of development. Addresses are the guard's.
func (s *Sender) parse(raw string) (*url.URL, error) {
	if err := transport.CheckURL(raw, true, anywhere); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &transport.FieldError{Field: "url", Message: "not a URL; give one such as https://example.com/hook"}
	}
	switch {
	case u.Scheme != "https" && !s.dev:
		return nil, &transport.FieldError{Field: "url",
			Message: "http is not encrypted; give an https URL (http is for development nodes, serve --dev)"}
	case strings.ContainsAny(u.Hostname(), "% \\"):
		return nil, &transport.FieldError{Field: "url", Message: "has a zone or an escape in its host; give a plain host"}
	}
	return asciiURL(raw, u)
}

func signerOf(ep *transport.Endpoint) (*signature.Signer, error) {
	signer, err := signature.NewSigner(signature.Config(ep.Signature), signature.Secrets(ep.Secrets))
	var wrong *signature.ConfigError
	switch {
	case err == nil:
		return signer, nil
	case errors.As(err, &wrong) && wrong.Field != "secret":
		return nil, &transport.FieldError{Field: "signature." + wrong.Field, Message: wrong.Message}
	case errors.As(err, &wrong):
		return nil, &transport.FieldError{Field: "secret", Message: wrong.Message}
	}
	return nil, &transport.FieldError{Field: "signature", Message: err.Error()}
}

// fixedHeaders are those that no event changes.
func fixedHeaders(ep *transport.Endpoint, r *payload.Renderer, userAgent string) http.Header {
	h := make(http.Header, len(ep.Headers)+2)
	if own := r.UserAgent(); own != "" {
		userAgent = own
	}
	h.Set("User-Agent", userAgent)
	for name := range ep.Headers {
		h.Del(name) // an own User-Agent, which may differ from event to event
	}
	for name, value := range r.FixedHeaders() {
		h.Set(name, value)
	}
	h.Set("Content-Type", r.ContentType())
	for name, values := range h {
		for i := range values {
			values[i] = asciiValue(values[i])
		}
		h[name] = slices.Clip(values)
	}
	return h
}

// rendered is an event as one endpoint gets it, the same at every attempt.
type rendered struct {
	// body is not to be changed: an attempt that was cut may still be reading it.
	body []byte
	// headers are the endpoint's own that differ from event to event.
	headers http.Header
}

// render gives what is sent of ev. The error is a payload.Skip, or says why
// there is nothing.
func (t *Target) render(ev *transport.Event) (rendered, error) {
	body, headers, spent, err := t.renderer.Priced(ev)
	if t.renderer.Templated() {
		t.sender.shares.Spent(t.sender.now(), t.customer, t.endpoint, spent, payload.Costly(err))
	}
	return rendered{body: body, headers: headers}, err
}

// postponed is the answer to an event whose templates may not be evaluated now:
// the whole endpoint waits.
func (t *Target) postponed() (a transport.Answer, is bool) {
	now := t.sender.now()
	if !t.renderer.Templated() || t.sender.shares.May(now, t.customer, t.endpoint) {
		return a, false
	}
	wait := postponedFor
	if away, is := t.sender.shares.Away(now, t.customer, t.endpoint); is {
		wait = away.Until.Sub(now)
	}
	return transport.Answer{Class: transport.Throttled, Reason: transport.ReasonFilterCost, RetryAfter: wait,
		Detail: "the endpoint's templates, or all expressions of its customer, cost more time than the customer's share; nothing was sent"}, true
}

// Close gives back what the Target shares; attempts in flight go on.
func (t *Target) Close() {
	t.closed.Do(func() {
		t.sender.releaseRoute(t.route)
		t.sender.release(t.shared)
	})
}
