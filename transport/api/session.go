package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// sessionRoutes are how a browser signs in: with a token, or with a code that
// the node printed. From then on a cookie says who calls, and every path of the
// API takes it in a token's place.
func (s *Server) sessionRoutes(h huma.API) {
	if s.sessions == nil {
		return
	}
	handle(s, h, route{method: http.MethodGet, path: "/v1/session", id: "show-session", open: true,
		summary: "Who calls, and what that token or session may do"}, s.showSession)
	s.mux.HandleFunc("POST /v1/session", s.signIn)
	s.mux.HandleFunc("DELETE /v1/session", s.signOut)
	in := route{method: http.MethodPost, path: "/v1/session", id: "sign-in", open: true,
		summary: "Sign a browser in with a token or a sign-in code; the answer sets a cookie"}.operation()
	in.Security = nil
	in.RequestBody = bodyDocument(h, reflect.TypeFor[SignIn]())
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Session](), true, "Session")
	in.Responses = map[string]*huma.Response{"200": {Description: "Signed in", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
		"default": errorDocument(h)}
	h.OpenAPI().AddOperation(&in)
	out := route{method: http.MethodDelete, path: "/v1/session", id: "sign-out", open: true, summary: "Sign the browser out"}.operation()
	out.Responses = map[string]*huma.Response{"204": {Description: "Signed out"}, "default": errorDocument(h)}
	h.OpenAPI().AddOperation(&out)
}

// SignIn is what a browser signs in with: one of the two.
type SignIn struct {
	Token string `json:"token" doc:"A token of the API"`
	Code  string `json:"code" doc:"A sign-in code, as a development node prints it; it is good once"`
}

// Session tells who calls.
type Session struct {
	Subject   string     `json:"subject"`
	Customer  string     `json:"customer,omitempty" doc:"Empty: an operator of all customers"`
	Roles     []string   `json:"roles"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Version   string     `json:"version"`
}

type sessionAnswer struct{ Body Session }

func (s *Server) showSession(ctx context.Context, _ *struct{}) (*sessionAnswer, error) {
	return &sessionAnswer{Body: s.sessionOf(callerOf(ctx))}, nil
}

func (s *Server) sessionOf(who *caller) Session {
	shown := Session{Subject: who.subject, Customer: who.customer, Roles: who.roles, Version: s.Version}
	if shown.Roles == nil {
		shown.Roles = []string{}
	}
	if !who.expires.IsZero() {
		at := who.expires.UTC()
		shown.ExpiresAt = &at
	}
	return shown
}

// signIn checks what the browser was given, and gives it a cookie.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if failure := s.sessions.sameOrigin(r); failure != nil {
		writeError(w, failure)
		return
	}
	// Nobody is known yet: it is small, and the connections bound how many there are.
	hold := held{budget: newBudget(4*maxSignIn, "")}
	raw, failure := readBody(r, bodyLimits{bytes: maxSignIn, within: usualBody.within}, &hold)
	if failure != nil {
		writeError(w, failure)
		return
	}
	var in SignIn
	if err := decode(raw, &in); err != nil {
		writeError(w, s.fault(r.Context(), err))
		return
	}
	who, failure := s.signedIn(r.Context(), &in)
	if failure != nil {
		writeError(w, failure)
		return
	}
	http.SetCookie(w, s.sessions.cookie(who))
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, s.sessionOf(who))
}

func (s *Server) signedIn(ctx context.Context, in *SignIn) (*caller, *Error) {
	token := in.Token
	switch {
	case in.Token != "" && in.Code != "":
		return nil, s.fault(ctx, invalid("code", "given beside token; give one of them"))
	case in.Code != "" && s.SignInCode != nil:
		made, good := s.SignInCode(in.Code)
		if !good {
			return nil, unauthorized("Sign-in link used or too old: start the node again for another, or sign in with a token")
		}
		token = made
	case token == "":
		return nil, s.fault(ctx, invalid("token", "missing; give a token of the API"))
	}
	who, failure := s.tokens.caller(ctx, token)
	if failure == nil {
		failure = s.tokens.limiter.take(who.token)
	}
	return who, failure
}

// signOut ends the browser's session: its cookie is taken away, and refused if
// it comes again.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if failure := s.sessions.sameOrigin(r); failure != nil {
		writeError(w, failure)
		return
	}
	if sealed, there := s.sessions.read(r); there && s.Revocations != nil {
		until := time.Unix(sealed.Expires, 0).UTC().Add(tokenLeeway)
		if err := s.Revocations.Revoke(r.Context(), sealed.Session, until); err != nil {
			writeError(w, s.fault(r.Context(), err))
			return
		}
	}
	http.SetCookie(w, s.sessions.noCookie())
	w.WriteHeader(http.StatusNoContent)
}

// sessionCaller gives who a session's cookie names; nil where there is none.
func (t *tokens) sessionCaller(r *http.Request) (*caller, *Error) {
	if t.sessions == nil {
		return nil, nil
	}
	sealed, there := t.sessions.read(r)
	if !there {
		return nil, nil
	}
	switch {
	case !t.sessions.now().Before(time.Unix(sealed.Expires, 0)):
		return nil, unauthorized("Session expired: sign in again")
	case t.revoked(sealed.Session), sealed.JTI != "" && t.revoked(sealed.JTI):
		return nil, unauthorized("Session ended: sign in again")
	}
	if failure := t.sessions.sameOrigin(r); failure != nil {
		return nil, failure
	}
	who := &caller{customer: sealed.Customer, roles: sealed.Roles, subject: sealed.Subject, jti: sealed.JTI,
		expires: time.Unix(sealed.Expires, 0), token: sha256.Sum256([]byte(sealed.Session))}
	if who.customer != "" && transport.CheckCustomer(who.customer) != nil {
		return nil, unauthorized("Session not valid: sign in again")
	}
	return who, nil
}
