package api

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

const (
	sessionCookie = "postrider_session"
	// sessionLength bounds a session whose token lives longer.
	sessionLength = 12 * time.Hour
	maxSignIn     = maxToken + 1024
	// maxCookie is what browsers keep of one.
	maxCookie = 4096
)

// sealedSession is what a session's cookie holds, encrypted: what its token
// claimed, and not the token.
type sealedSession struct {
	Session  string   `json:"sid"`
	JTI      string   `json:"jti,omitempty"`
	Subject  string   `json:"sub"`
	Customer string   `json:"customer,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Expires  int64    `json:"exp"`
}

// sessions makes and reads the cookies of browsers. A cookie holds through
// restarts of the node, as its key comes from the node's own.
type sessions struct {
	aead   cipher.AEAD
	flows  cipher.AEAD // of sign-ins under way, so that neither can stand for the other
	origin *http.CrossOriginProtection
	path   string
	secure bool
	now    func() time.Time
}

// newSessions: without a key there are no sessions.
func newSessions(o *Options) (*sessions, error) {
	if len(o.SessionKey) == 0 {
		return nil, nil
	}
	aead, err := transport.DeriveAEAD(o.SessionKey, "postrider: session cookie")
	if err != nil {
		return nil, err
	}
	flows, err := transport.DeriveAEAD(o.SessionKey, "postrider: sign-in cookie")
	if err != nil {
		return nil, err
	}
	s := &sessions{aead: aead, flows: flows, origin: http.NewCrossOriginProtection(), path: o.CookiePath, secure: !o.Dev, now: o.Now}
	if s.path == "" {
		s.path = "/"
	}
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		if err := s.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// cookie makes a session of who. It ends with who's token, or after 12 hours.
func (s *sessions) cookie(who *caller) *http.Cookie {
	now := s.now()
	end := now.Add(sessionLength)
	if !who.expires.IsZero() && who.expires.Before(end) {
		end = who.expires
	}
	who.expires = end
	sealed := sealedSession{Session: "session-" + uuid.NewString(), JTI: who.jti, Subject: who.subject,
		Customer: who.customer, Roles: who.roles, Expires: end.Unix()}
	plain, err := json.Marshal(sealed)
	if err != nil {
		panic(err) // texts and a number always have a JSON form
	}
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	value := base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, nil))
	c := s.noCookie()
	c.Value, c.MaxAge = value, max(1, int(end.Sub(now)/time.Second))
	return c
}

// noCookie takes the cookie away.
func (s *sessions) noCookie() *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Path: s.path, MaxAge: -1, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteStrictMode}
}

// read opens the request's cookie; one that is not ours counts as none.
func (s *sessions) read(r *http.Request) (*sealedSession, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || len(c.Value) > maxCookie {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return nil, false
	}
	plain, err := s.aead.Open(nil, raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():], nil)
	if err != nil {
		return nil, false
	}
	var sealed sealedSession
	if json.Unmarshal(plain, &sealed) != nil || sealed.Session == "" {
		return nil, false
	}
	return &sealed, true
}

// sameOrigin refuses what another site's page would have a browser do.
func (s *sessions) sameOrigin(r *http.Request) *Error {
	if err := s.origin.Check(r); err != nil {
		return forbidden("Request comes from another site's page; use the node's own page, or a token")
	}
	return nil
}
