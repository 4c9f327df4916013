package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The page of a node as it runs in production: people come in by a token alone,
// the cookie is for TLS only, nothing of a development node is there or works,
// and what it refuses is said at its field.
func TestPageOfAProductionNode(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	n := newTestNode(t, "POSTRIDER_MASTER_KEY="+oldMasterKey, "POSTRIDER_AUTH_SECRET="+strings.Repeat("0123456789abcdef", 2))
	n.start("--dev=false")
	if out := n.proc.out.String(); strings.Contains(out, "#code=") {
		t.Errorf("a link that signs in is printed:\n%s", out)
	}
	made, err := command(t.Context(), n.dir, n.env, "token", "--customer", "acme", "--role", "admin").Output()
	if err != nil {
		t.Fatal(err)
	}
	base, token := "http://"+n.http, strings.TrimSpace(string(made))
	signIn := func(body map[string]string) (status int, cookies []*http.Cookie) {
		t.Helper()
		text, _ := json.Marshal(body) // a map of texts always has a JSON form
		resp, err := http.Post(base+"/v1/session", "application/json", strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Cookies()
	}
	if status, cookies := signIn(map[string]string{"code": "anything"}); status != http.StatusBadRequest || len(cookies) > 0 {
		t.Errorf("a code: %d, %v", status, cookies)
	}
	if _, cookies := signIn(map[string]string{"token": token}); len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("%v", cookies)
	}

	p := b.tab(base) // a browser takes this machine's own http for safe
	p.expects("401 (Unauthorized) "+base+"/v1/session", "400 (Bad Request)", "404 (Not Found)")
	p.open("/ui/#code=anything")
	p.await("the ways in", "byLabel('Token')")
	if p.has("development") || p.has("sign-in link") {
		t.Error("the sign-in tells of a development node")
	}
	p.signIn(token)
	p.see("Three steps to a first delivery")
	if p.has("development") {
		t.Error("the page says that the node is one for development")
	}
	p.open("/ui/webhooks?add=1")
	p.fill("Webhook Name", "Front desk")
	p.fill("Endpoint URL", "http://hooks.example.com/a")
	p.see("http is not encrypted; give an https URL")
	p.click("Save")
	p.await("the API's word at the field, with the focus", "document.querySelector('.field.bad .said')?.innerText.includes('https') && document.activeElement === byLabel('Endpoint URL')")
	p.fill("Endpoint URL", "https://10.0.0.1/a")
	p.click("Test before saving")
	p.see("is no public address")
	p.fill("Endpoint URL", "https://hooks.example.com/a")
	p.click("Save")
	p.see("Front desk was added")
	p.click("acme")
	p.click("Sign out")
	p.await("nobody to be signed in", "byLabel('Token')")
}
