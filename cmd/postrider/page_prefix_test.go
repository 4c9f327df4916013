package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// newProxy is a reverse proxy that serves the node below prefix, and nothing
// beside it, with another Host; it takes the prefix off, or passes it on.
func newProxy(t *testing.T, n *testNode, prefix string, strip bool) string {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: n.http}
	proxy := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		if strip {
			r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, prefix)
			r.Out.URL.RawPath = strings.TrimPrefix(r.Out.URL.RawPath, prefix)
		}
	}}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", proxy)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + prefix
}

// The page works behind a proxy's prefix, however the proxy hands it on: its
// files, its cookie, its feed, what it tells programs, and the links in mails.
func TestPageBehindAPrefix(t *testing.T) {
	t.Parallel()
	b, to := newBrowser(t), newVisited(t, "thanks")
	office, settings := newPostOffice(t)
	n := newTestNode(t, append(settings, "POSTRIDER_EMAIL_CONFIRM=true", "POSTRIDER_WEB_BASE=/hooks")...)
	stripped, passed := newProxy(t, n, "/hooks", true), newProxy(t, n, "/hooks", false)
	n.env = append(n.env, "POSTRIDER_HTTP_PUBLIC_URL="+stripped)
	n.start()
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`"}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	for name, base := range map[string]string{"taken off": stripped, "passed on": passed} {
		p := b.tab(base)
		p.signIn(n.token())
		p.open("/")
		p.await("the page, from the node's own address: "+name, "location.pathname === '/hooks/ui/' && document.querySelector('nav.rail')")
		p.open("/ui")
		p.await("the page, without its slash: "+name, "location.pathname === '/hooks/ui/' && document.querySelector('nav.rail')")
		p.click("Deliveries")
		p.await("the deliveries, by a link: "+name, "location.pathname === '/hooks/ui/deliveries'")
		p.await("a live list: "+name, "document.querySelector('.pulse')?.innerText.includes('live')")
		kind := "events.acme." + strings.ReplaceAll(name, " ", "_")
		n.must(`{}`, "publish", kind, "--http")
		p.await("the delivery in the feed: "+name, "byWords("+quoted(strings.TrimPrefix(kind, "events.acme."))+")?.innerText.includes('delivered')")
		p.click("By program")
		p.see("'" + base + "/v1/deliveries'")
		p.open("/ui/webhooks?q=front")
		p.see("Front desk")
		n.checkCookie(base)
	}

	p := b.tab(stripped)
	link := n.linkToConfirm(office)
	if !strings.HasPrefix(link, stripped+"/confirm?t=") {
		t.Fatalf("the mail's link is %s", link)
	}
	p.open(strings.TrimPrefix(link, stripped))
	p.see("May mails of")
	p.click("Confirm this address")
	p.see("Confirmed")
}

// checkCookie signs in at base as a browser would, and looks where the cookie goes.
func (n *testNode) checkCookie(base string) {
	n.t.Helper()
	resp, err := http.Post(base+"/v1/session", "application/json", strings.NewReader(`{"token":"`+n.token()+`"}`))
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	cookies := resp.Cookies()
	if len(cookies) != 1 || cookies[0].Path != "/hooks/" || !cookies[0].HttpOnly {
		n.t.Errorf("%s: %v", base, cookies)
	}
}

// linkToConfirm has a mail asked for and gives its link.
func (n *testNode) linkToConfirm(office *postOffice) string {
	n.t.Helper()
	c := confirmNode{n, office}
	c.match("acme", c.watch("acme"), "run-1")
	links := []string{}
	n.await("the mail that asks", func() bool { links, _ = c.mails(); return len(links) > 0 })
	return links[0]
}

// Where the page is switched off, nothing of it answers, and no browser can sign
// in; the API does as ever.
func TestPageCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_WEB_ENABLED=false")
	n.start()
	if out := n.proc.out.String(); strings.Contains(out, "/ui/") || strings.Contains(out, "#code=") {
		t.Errorf("a page is announced:\n%s", out)
	}
	for _, request := range []string{"GET /", "GET /ui", "GET /ui/", "GET /ui/webhooks", "GET /ui/assets/main.js", "GET /ui/licenses.txt", "GET /v1/session", "DELETE /v1/session", "POST /v1/session", "GET /v1/signin/oidc"} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequest(method, "http://"+n.http+path, strings.NewReader(`{"token":"`+n.token()+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || len(resp.Cookies()) > 0 || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", request, resp.StatusCode, resp.Header)
		}
	}
	if status, text := n.call("GET", "/v1/endpoints", "", nil); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	if status, text := n.call("GET", "/v1/usage?customer=acme", "", nil); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
}
