package api

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// SignInProvider has people sign in elsewhere; signin.Provider is one.
type SignInProvider interface {
	// Begin gives where a browser is to go, and what it is to bring back.
	Begin(ctx context.Context) (url string, flow transport.SignInFlow, err error)
	// Finish gives who signed in; the flow is what Begin gave.
	Finish(ctx context.Context, code string, flow transport.SignInFlow) (*transport.Person, error)
}

const (
	flowCookie = "postrider_signin"
	// flowTime is how long signing in elsewhere may take.
	flowTime = 10 * time.Minute
	// signInsAtOnce bounds the requests to the provider.
	signInsAtOnce = 16
	maxCode       = 4096
)

// sealedFlow is what a browser takes along to the provider, encrypted.
type sealedFlow struct {
	transport.SignInFlow
	To      string `json:"to"`
	Expires int64  `json:"exp"`
}

// The words behind # that the page explains; nothing that came from outside is
// put into its address.
const (
	signInAgain   = "again"   // too late, or begun in another browser
	signInRefused = "refused" // by the provider, or by the person
	signInNobody  = "nobody"  // no customer and no role that the settings know
	signInAway    = "away"    // the provider does not answer
)

func (s *Server) providerRoutes(h huma.API) {
	if s.sessions == nil || s.Provider == nil {
		return
	}
	s.signIns = make(chan struct{}, signInsAtOnce)
	s.mux.HandleFunc("GET /v1/signin/oidc", s.beginSignIn)
	s.mux.HandleFunc("GET /v1/signin/oidc/callback", s.finishSignIn)
	for path, summary := range map[string]string{
		"/v1/signin/oidc":          "Sign a browser in by the provider of web.oidc: it is sent there",
		"/v1/signin/oidc/callback": "Where the provider sends the browser back to; it gets a session, and goes on to the page"} {
		id := "begin-sign-in"
		if strings.HasSuffix(path, "callback") {
			id = "finish-sign-in"
		}
		op := route{method: http.MethodGet, path: path, id: id, open: true, summary: summary}.operation()
		op.Security, op.Description = nil, "For browsers; no token is asked for."
		op.Responses = map[string]*huma.Response{"302": {Description: "Go on there"}}
		h.OpenAPI().AddOperation(&op)
	}
}

// beginSignIn sends the browser to the provider.
func (s *Server) beginSignIn(w http.ResponseWriter, r *http.Request) {
	if !s.takeSignIn() {
		writeError(w, newError(http.StatusTooManyRequests, "Too many sign in at once: try again in a moment").retryAfter(2))
		return
	}
	defer func() { <-s.signIns }()
	url, flow, err := s.Provider.Begin(r.Context())
	if err != nil {
		s.log.WarnContext(r.Context(), "nobody can sign in by web.oidc", "error", err)
		s.toPage(w, r, "", signInAway)
		return
	}
	sealed := sealedFlow{SignInFlow: flow, To: r.URL.Query().Get("to"), Expires: s.Now().Add(flowTime).Unix()}
	http.SetCookie(w, s.sessions.flow(&sealed))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, url, http.StatusFound)
}

func (s *Server) takeSignIn() bool {
	select {
	case s.signIns <- struct{}{}:
		return true
	default:
		return false
	}
}

// finishSignIn gives the browser that comes back its session.
func (s *Server) finishSignIn(w http.ResponseWriter, r *http.Request) {
	flow, there := s.sessions.readFlow(r)
	http.SetCookie(w, s.sessions.noFlow())
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	switch {
	case !there || subtle.ConstantTimeCompare([]byte(flow.State), []byte(q.Get("state"))) != 1:
		s.toPage(w, r, "", signInAgain)
		return
	case q.Get("code") == "" || len(q.Get("code")) > maxCode:
		s.toPage(w, r, flow.To, signInRefused)
		return
	case !s.takeSignIn():
		s.toPage(w, r, flow.To, signInAway)
		return
	}
	defer func() { <-s.signIns }()
	who, err := s.Provider.Finish(r.Context(), q.Get("code"), flow.SignInFlow)
	if err != nil {
		s.log.WarnContext(r.Context(), "a sign-in by web.oidc was refused", "error", err)
		s.toPage(w, r, flow.To, signInRefused)
		return
	}
	c := &caller{subject: who.Subject, customer: who.Customer}
	for _, role := range who.Roles {
		if slices.Contains(Roles(), role) {
			c.roles = append(c.roles, role)
		}
	}
	if len(c.roles) == 0 || !c.operator() && transport.CheckCustomer(c.customer) != nil {
		s.log.WarnContext(r.Context(), "somebody signed in by web.oidc who has no customer or no role here", "subject", who.Subject)
		s.toPage(w, r, flow.To, signInNobody)
		return
	}
	if c.operator() {
		c.customer = ""
	}
	http.SetCookie(w, s.sessions.cookie(c))
	s.toPage(w, r, flow.To, "")
}

// toPage sends the browser to a view of the page, nowhere else.
func (s *Server) toPage(w http.ResponseWriter, r *http.Request, to, word string) {
	base := strings.TrimSuffix(s.sessions.path, "/")
	view := base + "/ui/"
	if u, err := url.Parse(to); err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && strings.HasPrefix(u.Path, view) && !strings.Contains(u.Path, "\\") {
		view = (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
	}
	if word != "" {
		view += "#signin=" + word
	}
	http.Redirect(w, r, view, http.StatusFound)
}

// flow is the cookie of a sign-in under way. The browser comes back from
// another site, so it is not SameSite=Strict.
func (s *sessions) flow(f *sealedFlow) *http.Cookie {
	plain, err := json.Marshal(f)
	if err != nil {
		panic(err) // texts and a number always have a JSON form
	}
	nonce := make([]byte, s.flows.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	c := s.noFlow()
	c.Value, c.MaxAge = base64.RawURLEncoding.EncodeToString(s.flows.Seal(nonce, nonce, plain, nil)), int(flowTime/time.Second)
	return c
}

func (s *sessions) noFlow() *http.Cookie {
	return &http.Cookie{Name: flowCookie, Path: s.path, MaxAge: -1, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
}

func (s *sessions) readFlow(r *http.Request) (*sealedFlow, bool) {
	c, err := r.Cookie(flowCookie)
	if err != nil || len(c.Value) > maxCookie {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(raw) < s.flows.NonceSize() {
		return nil, false
	}
	plain, err := s.flows.Open(nil, raw[:s.flows.NonceSize()], raw[s.flows.NonceSize():], nil)
	if err != nil {
		return nil, false
	}
	var f sealedFlow
	if json.Unmarshal(plain, &f) != nil || f.State == "" || s.now().Unix() >= f.Expires {
		return nil, false
	}
	return &f, true
}
