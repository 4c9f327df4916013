package node

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/signin"
	"github.com/postrider/postrider/transport/web"
)

// signInCode lets one browser in, once, where a development node printed it.
// It is no token: it is worth nothing once it was used, or the node has ended.
type signInCode struct {
	mu   sync.Mutex
	code string
}

// newSignInCode makes one of 16 random bytes.
func newSignInCode() *signInCode {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return &signInCode{code: base64.RawURLEncoding.EncodeToString(b[:])}
}

// take tells whether code is the one, and uses it up.
func (s *signInCode) take(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == "" || code != s.code {
		return false
	}
	s.code = ""
	return true
}

// page puts the web page, and the sessions that it needs, into o.
func (s *Server) page(o *api.Options, keys *Keys) (err error) {
	w := &s.cfg.Web
	if !w.Enabled {
		return nil
	}
	o.SessionKey, o.CookiePath, o.PublicURL = keys.master, w.Base+"/", s.cfg.HTTP.PublicURL
	if s.signIn != nil {
		o.SignInCode = func(code string) (string, bool) {
			if !s.signIn.take(code) {
				return "", false
			}
			token, err := keys.adminToken()
			return token, err == nil
		}
	}
	if w.OIDC.Issuer != "" {
		o.Provider = signInProvider(s.cfg)
	}
	if o.Page, err = web.Handler(web.Options{Base: w.Base, ImageHosts: w.ImageHosts, Dev: s.cfg.Dev, Provider: o.Provider != nil, Version: o.Version}); err != nil {
		return fmt.Errorf("the web page: %w", err)
	}
	return nil
}

// signInProvider is that of web.oidc.
func signInProvider(cfg *config.Config) *signin.Provider {
	c := &cfg.Web.OIDC
	o := signin.Options{Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Scopes: c.Scopes,
		RedirectURL:   strings.TrimSuffix(cfg.HTTP.PublicURL, "/") + "/v1/signin/oidc/callback",
		CustomerClaim: c.CustomerClaim, RolesClaim: c.RolesClaim, Customer: c.Customer}
	for _, pair := range c.Roles {
		theirs, ours, _ := strings.Cut(pair, "=")
		if o.Roles == nil {
			o.Roles = map[string][]string{}
		}
		o.Roles[theirs] = append(o.Roles[theirs], ours)
	}
	return signin.New(o)
}

// below serves h also below base, for a proxy that passes its prefix on.
func below(base string, h http.Handler) http.Handler {
	if base == "" {
		return h
	}
	stripped := http.StripPrefix(base, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == base:
			http.Redirect(w, r, base+"/", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, base+"/"):
			stripped.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// PageURL is where the page is, "" where there is none; on a development node
// it signs in whoever opens it first.
func (s *Server) PageURL() string {
	if !s.cfg.Web.Enabled {
		return ""
	}
	url := s.URL() + s.cfg.Web.Base + "/ui/"
	if s.signIn != nil {
		url += "#code=" + s.signIn.code
	}
	return url
}
