package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// people is the store of a real provider that says of its people what customer
// and groups they have.
type people struct {
	*storage.Storage
	groups map[string][]string // by user name
}

// saying puts the claims into id tokens.
type saying struct{ op.Client }

func (saying) IDTokenUserinfoClaimsAssertion() bool { return true }

func (p people) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := p.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return saying{c}, nil
}

func (p people) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	err := p.Storage.SetUserinfoFromRequest(ctx, info, r, scopes)
	if groups, there := p.groups[info.PreferredUsername]; there {
		info.AppendClaims("organisation", "acme")
		info.AppendClaims("groups", groups)
	}
	return err
}

// newProvider starts one that knows a client whose browsers come back to node.
func newProvider(t *testing.T, node string) string {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	// By another name than the node's: to a browser it is another site.
	issuer := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	clients := map[string]*storage.Client{"postrider": storage.WebClient("postrider", "the secret of a client", node+"/v1/signin/oidc/callback")}
	store := people{storage.NewStorageWithClients(storage.NewUserStore(issuer), clients), map[string][]string{"test-user@localhost": {"hook-admins", "cooks"}, "test-user2": {"cooks"}}}
	handler = exampleop.SetupServer(issuer, store, nil, false)
	return issuer
}

// walker is a browser without a screen: it keeps cookies and follows redirects.
func walker(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// signInThere goes to the provider, gives name and password, and ends where the
// browser would.
func signInThere(t *testing.T, c *http.Client, node, name string) *url.URL {
	t.Helper()
	form := get(t, c, node+"/v1/signin/oidc?to="+url.QueryEscape("/ui/deliveries?type=a.b"))
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(form.body)
	if id == nil {
		t.Fatalf("no form at %s: %s", form.at, form.body)
	}
	answer, err := c.PostForm(form.at.ResolveReference(&url.URL{Path: "/login/username"}).String(), url.Values{"username": {name}, "password": {"verysecure"}, "id": {id[1]}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.Request.URL
}

type got struct {
	at     *url.URL
	status int
	body   string
}

func get(t *testing.T, c *http.Client, address string) got {
	t.Helper()
	answer, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{answer.Request.URL, answer.StatusCode, string(body)}
}

// signingIn are a node's settings for that provider.
func signingIn(node, issuer string) []string {
	return []string{"POSTRIDER_HTTP_PUBLIC_URL=" + node, "POSTRIDER_WEB_OIDC_ISSUER=" + issuer, "POSTRIDER_WEB_OIDC_CLIENT_ID=postrider", "POSTRIDER_WEB_OIDC_CLIENT_SECRET=the secret of a client",
		"POSTRIDER_WEB_OIDC_CUSTOMER_CLAIM=organisation", "POSTRIDER_WEB_OIDC_ROLES_CLAIM=groups", "POSTRIDER_WEB_OIDC_ROLES=hook-admins=admin,auditors=external-api-get-webhook-list"}
}

// People sign in by a real provider: claims become the customer and roles that
// the settings say, and whoever has none is not let in.
func TestPeopleSignInByAProvider(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	node := "http://" + n.http
	issuer := newProvider(t, node)
	n.env = append(n.env, signingIn(node, issuer)...)
	n.start()
	admin := walker(t)
	if at := signInThere(t, admin, node, "test-user@localhost"); at.Host != n.http || at.RequestURI() != "/ui/deliveries?type=a.b" {
		t.Fatalf("ends at %s", at)
	}
	who := get(t, admin, node+"/v1/session")
	if who.status != http.StatusOK || !strings.Contains(who.body, `"subject":"test-user@localhost","customer":"acme","roles":["admin"]`) {
		t.Errorf("%d %s", who.status, who.body)
	}
	if list := get(t, admin, node+"/v1/endpoints"); list.status != http.StatusOK {
		t.Errorf("%d %s", list.status, list.body)
	}
	cook := walker(t)
	if at := signInThere(t, cook, node, "test-user2"); at.Fragment != "signin=nobody" {
		t.Errorf("ends at %s", at)
	}
	if who := get(t, cook, node+"/v1/session"); who.status != http.StatusUnauthorized {
		t.Errorf("%d %s", who.status, who.body)
	}
	// A code that another browser brings, and one that nobody asked for.
	if at := get(t, walker(t), node+"/v1/signin/oidc/callback?code=x&state=y").at; at.Fragment != "signin=again" {
		t.Errorf("ends at %s", at)
	}
	if out := n.proc.out.String(); strings.Contains(out, "the secret of a client") {
		t.Error("the client's secret is in the log")
	}
	// The page leads there.
	if page := get(t, walker(t), node+"/ui/"); !strings.Contains(page.body, `"provider":true`) {
		t.Error(page.body)
	}
}

// So does a browser: from the page to the provider, which is another site, and
// back to where it wanted to go.
func TestPageSignsInByAProvider(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	node := "http://" + n.http
	issuer := newProvider(t, node)
	n.env = append(n.env, signingIn(node, issuer)...)
	n.start()
	give := func(p *tab, name string) {
		t.Helper()
		p.await("the provider's form", "location.href.startsWith('"+issuer+"/') && document.querySelector('input[name=username]')")
		js[bool](p, `document.querySelector('input[name=username]').value = '`+name+`'; document.querySelector('input[name=password]').value = 'verysecure'; document.querySelector('form').submit(); true`)
	}
	p := b.tab(node)
	p.expects("a request to elsewhere: "+issuer, issuer+"/favicon.ico", "401 (Unauthorized)")
	p.open("/ui/deliveries?type=a.b")
	p.click("Sign in with your organisation")
	give(p, "test-user@localhost")
	p.await("the page that was asked for", "location.href === '"+node+"/ui/deliveries?type=a.b'")
	p.see("Nothing fits the filter")
	p.await("nothing of it where a script could read it", "document.cookie === '' && sessionStorage.length === 0")
	cook := b.tab(node)
	cook.expects("a request to elsewhere: "+issuer, issuer+"/favicon.ico", "401 (Unauthorized)")
	cook.open("/ui/")
	cook.click("Sign in with your organisation")
	give(cook, "test-user2")
	cook.see("have no customer or no role here")
}
