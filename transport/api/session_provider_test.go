package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// elsewhere is a provider that lets in whom a test says.
type elsewhere struct {
	who  *transport.Person
	err  error
	flow transport.SignInFlow
}

func (e *elsewhere) Begin(context.Context) (string, transport.SignInFlow, error) {
	return "https://login.example.com/auth?state=s-1", transport.SignInFlow{State: "s-1", Nonce: "n-1", Verifier: "v-1"}, e.err
}

func (e *elsewhere) Finish(_ context.Context, code string, flow transport.SignInFlow) (*transport.Person, error) {
	if code != "good" {
		return nil, errors.New("no such code")
	}
	e.flow = flow
	return e.who, e.err
}

// still asks without following a redirect.
func (b *bench) still(path, cookie string) (*http.Response, string) {
	b.Helper()
	request, err := http.NewRequest("GET", b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Cookie", cookie)
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		b.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer, answer.Header.Get("Location")
}

func TestSigningInElsewhere(t *testing.T) {
	now := testNow
	e := &elsewhere{who: &transport.Person{Subject: "ada", Customer: "acme", Roles: []string{RoleAdmin, "cook"}}}
	b := startSessions(t, func(o *Options) {
		o.Provider, o.CookiePath, o.Now = e, "/hooks/", func() time.Time { return now }
	})
	begin := func(to string) string {
		t.Helper()
		answer, location := b.still("/v1/signin/oidc?to="+url.QueryEscape(to), "") //nolint:bodyclose // still has closed it
		c := answer.Cookies()[0]
		if answer.StatusCode != 302 || location != "https://login.example.com/auth?state=s-1" || c.Name != flowCookie || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/hooks/" {
			t.Fatalf("%d %s %+v", answer.StatusCode, location, c)
		}
		return c.Name + "=" + c.Value
	}
	finish := func(cookie, query string) (location string, session *http.Cookie) {
		t.Helper()
		answer, location := b.still("/v1/signin/oidc/callback?"+query, cookie) //nolint:bodyclose // still has closed it
		for _, c := range answer.Cookies() {
			switch {
			case c.Name == sessionCookie:
				session = c
			case c.Name == flowCookie && c.MaxAge >= 0:
				t.Errorf("the flow's cookie stays: %+v", c)
			}
		}
		return location, session
	}
	location, session := finish(begin("/hooks/ui/runs?type=hot#x"), "state=s-1&code=good")
	if location != "/hooks/ui/runs?type=hot" || session == nil || session.SameSite != http.SameSiteStrictMode || e.flow.Verifier != "v-1" || e.flow.Nonce != "n-1" {
		t.Fatalf("%s %+v %+v", location, session, e.flow)
	}
	if s := read[Session](b, b.browser("GET", "/v1/session", "", session.Name+"="+session.Value)); s.Customer != "acme" || s.Subject != "ada" || strings.Join(s.Roles, " ") != RoleAdmin {
		t.Errorf("%+v", s)
	}
	// The flow's cookie is no session, and the session's is no flow.
	b.wantStatus(b.browser("GET", "/v1/session", "", strings.Replace(begin(""), flowCookie, sessionCookie, 1)), 401)
	for _, to := range []string{"https://evil.example/hooks/ui/", "//evil.example/hooks/ui/", "/hooks/ui/\\evil.example", "/v1/endpoints", "javascript:alert(1)", "%zz"} {
		if location, _ := finish(begin(to), "state=s-1&code=good"); location != "/hooks/ui/" {
			t.Errorf("%s leads to %s", to, location)
		}
	}
	for query, word := range map[string]string{"state=s-2&code=good": "again", "code=good": "again", "state=s-1&code=bad": "refused", "state=s-1&error=access_denied": "refused"} {
		if location, session := finish(begin("/hooks/ui/"), query); location != "/hooks/ui/#signin="+word || session != nil {
			t.Errorf("%s leads to %s, %+v", query, location, session)
		}
	}
	late := begin("")
	now = now.Add(flowTime)
	if location, session := finish(late, "state=s-1&code=good"); !strings.HasSuffix(location, "#signin=again") || session != nil {
		t.Errorf("late: %s", location)
	}
	for _, who := range []transport.Person{{Customer: "acme"}, {Customer: "acme", Roles: []string{"cook"}}, {Roles: []string{RoleAdmin}}, {Customer: "a b", Roles: []string{RoleAdmin}}} {
		e.who = &who
		if location, session := finish(begin(""), "state=s-1&code=good"); !strings.HasSuffix(location, "#signin=nobody") || session != nil {
			t.Errorf("%+v: %s", who, location)
		}
	}
	e.err = transport.ErrUnavailable
	if _, location := b.still("/v1/signin/oidc", ""); location != "/hooks/ui/#signin=away" { //nolint:bodyclose // still has closed it
		t.Error(location)
	}
}
