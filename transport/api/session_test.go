package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

var testSessionKey = []byte("a session key of thirty-two bytes")

// browser is a signed-in one: it sends its cookie, and no token.
func (b *bench) browser(method, path, body, cookie string, headers ...string) answer {
	b.Helper()
	return b.call("", method, path, body, append([]string{"Cookie", cookie}, headers...)...)
}

// cookieOf is the answer's cookie as a browser would send it back.
func cookieOf(t *testing.T, got answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies with %d %s", len(cookies), got.status, got.body)
	}
	return cookies[0]
}

func startSessions(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	return start(t, func(o *Options) {
		o.SessionKey = testSessionKey
		if change != nil {
			change(o)
		}
	})
}

func TestABrowserSignsInAndOut(t *testing.T) {
	b := startSessions(t, nil)
	got := b.call("", "POST", "/v1/session", `{"token":"`+token(t, "acme", RoleAdmin)+`"}`)
	b.wantStatus(got, 200)
	if s := read[Session](b, got); s.Customer != "acme" || s.Subject != "acme" || len(s.Roles) != 1 || s.Roles[0] != RoleAdmin || s.ExpiresAt == nil {
		t.Errorf("%s", got.body)
	}
	c := cookieOf(t, got)
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge <= 0 || c.MaxAge > int(sessionLength/time.Second) {
		t.Errorf("%+v", c)
	}
	cookie := c.Name + "=" + c.Value
	if strings.Contains(c.Value, "acme") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v %v", c, got.header)
	}
	b.wantStatus(b.browser("GET", "/v1/endpoints", "", cookie), 200)
	b.wantStatus(b.browser("POST", "/v1/endpoints", `{"url":"https://example.com/"}`, cookie, "Sec-Fetch-Site", "same-origin"), 201)
	if s := read[Session](b, b.browser("GET", "/v1/session", "", cookie)); s.Customer != "acme" {
		t.Errorf("%+v", s)
	}
	out := b.browser("DELETE", "/v1/session", "", cookie)
	b.wantStatus(out, 204)
	if gone := cookieOf(t, out); gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("%+v", gone)
	}
	b.want(b.browser("GET", "/v1/endpoints", "", cookie), 401, `{"detail":"Session ended: sign in again"}`)
}

func TestWhatIsNoSession(t *testing.T) {
	b := startSessions(t, nil)
	good := cookieOf(t, b.call("", "POST", "/v1/session", `{"token":"`+token(t, "acme", RoleAdmin)+`"}`)).Value
	foreign := startSessions(t, func(o *Options) { o.SessionKey = []byte("another key of thirty-two bytes..") })
	other := cookieOf(t, foreign.call("", "POST", "/v1/session", `{"token":"`+token(t, "acme", RoleAdmin)+`"}`)).Value
	for name, value := range map[string]string{"none": "", "rubbish": "abc", "not base64": "!!!", "another node's": other,
		"changed": good[:len(good)-4] + "AAAA", "cut": good[:20], "huge": strings.Repeat("A", 2*maxCookie)} {
		if got := b.browser("GET", "/v1/endpoints", "", sessionCookie+"="+value); got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// A token that is sent counts, and the cookie beside it does not.
	if got := b.call("not a token", "GET", "/v1/endpoints", "", "Cookie", sessionCookie+"="+good); got.status != 401 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for body, status := range map[string]int{`{}`: 400, `{"token":"x"}`: 401, `{"token":"a","code":"b"}`: 400, `{"code":"b"}`: 400, `{"tokens":"x"}`: 400, `[`: 400} {
		if got := b.call("", "POST", "/v1/session", body); got.status != status || len(got.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// What another site's page has a browser do is refused, whatever the cookie.
func TestSessionsAndOtherSites(t *testing.T) {
	b := startSessions(t, nil)
	cookie := sessionCookie + "=" + cookieOf(t, b.call("", "POST", "/v1/session", `{"token":"`+token(t, "acme", RoleAdmin)+`"}`)).Value
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		for _, c := range [][3]string{{"POST", "/v1/endpoints", `{"url":"https://example.com/x"}`}, {"POST", "/v1/session", `{"token":"` + token(t, "acme", RoleAdmin) + `"}`}, {"DELETE", "/v1/session", ""}} {
			if got := b.browser(c[0], c[1], c[2], cookie, headers...); got.status != 403 {
				t.Errorf("%v %v: %d %s", c[:2], headers, got.status, got.body)
			}
		}
	}
	if len(b.endpoints) != 0 {
		t.Error("an endpoint was made")
	}
}

// A proxy may give the node another Host than the browser sees, and a page that
// came without TLS says nothing but its origin: the node's public one is its own.
func TestAProxyThatChangesTheHost(t *testing.T) {
	b := startSessions(t, func(o *Options) { o.PublicURL = "http://hooks.example.com:8000/in" })
	in := `{"token":"` + token(t, "acme", RoleAdmin) + `"}`
	b.wantStatus(b.call("", "POST", "/v1/session", in, "Origin", "http://hooks.example.com:8000"), 200)
	for _, origin := range []string{"http://hooks.example.com", "https://hooks.example.com:8000", "http://evil.example:8000"} {
		b.wantStatus(b.call("", "POST", "/v1/session", in, "Origin", origin), 403)
	}
}

func TestASessionEndsWithItsToken(t *testing.T) {
	now := testNow
	b := startSessions(t, func(o *Options) { o.Now = func() time.Time { return now } })
	made, err := MintToken(testSecret, "acme", []string{RoleAdmin}, 10*time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	c := cookieOf(t, b.call("", "POST", "/v1/session", `{"token":"`+made+`"}`))
	cookie := sessionCookie + "=" + c.Value
	if c.MaxAge != 600 {
		t.Errorf("%d seconds", c.MaxAge)
	}
	now = now.Add(9 * time.Minute)
	b.wantStatus(b.browser("GET", "/v1/endpoints", "", cookie), 200)
	now = now.Add(2 * time.Minute)
	b.want(b.browser("GET", "/v1/endpoints", "", cookie), 401, `{"detail":"Session expired: sign in again"}`)
}

// A token that is revoked takes the sessions made with it along.
func TestARevokedTokensSession(t *testing.T) {
	b := startSessions(t, nil)
	made := token(t, "acme", RoleAdmin)
	cookie := sessionCookie + "=" + cookieOf(t, b.call("", "POST", "/v1/session", `{"token":"`+made+`"}`)).Value
	b.wantStatus(b.browser("GET", "/v1/session", "", cookie), 200)
	who, failure := b.server.tokens.caller(t.Context(), made)
	if failure != nil || who.jti == "" {
		t.Fatal(failure, who)
	}
	b.wantStatus(b.call(token(t, "", RoleOperator), "POST", "/v1/tokens/revoke", `{"jti":"`+who.jti+`"}`), 200)
	b.want(b.browser("GET", "/v1/session", "", cookie), 401, `{"detail":"Session ended: sign in again"}`)
}

func TestASignInCodeIsGoodOnce(t *testing.T) {
	left := map[string]string{"abc": token(t, "", RoleAdmin, RoleOperator)}
	b := startSessions(t, func(o *Options) {
		o.Dev = true
		o.SignInCode = func(code string) (string, bool) {
			made, good := left[code]
			delete(left, code)
			return made, good
		}
	})
	got := b.call("", "POST", "/v1/session", `{"code":"abc"}`)
	b.wantStatus(got, 200)
	if c := cookieOf(t, got); c.Secure {
		t.Error("a browser would not send it to a node without TLS")
	}
	b.want(b.call("", "POST", "/v1/session", `{"code":"abc"}`), 401,
		`{"detail":"Sign-in link used or too old: start the node again for another, or sign in with a token"}`)
}
