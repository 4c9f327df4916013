package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// visited is a receiver that keeps the ids of what came.
type visited struct {
	*httptest.Server
	mu     sync.Mutex
	ids    []string
	paths  []string
	answer string
}

func newVisited(t *testing.T, answer string) *visited {
	v := &visited{answer: answer}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *visited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ids, v.paths = append(v.ids, r.Header.Get("webhook-id")), append(v.paths, r.URL.Path)
	fmt.Fprint(w, v.answer)
}

// asked tells whether anything came to a path.
func (v *visited) asked(path string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Contains(v.paths, path)
}

// times tells how often id came.
func (v *visited) times(id string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.ids) - len(slices.DeleteFunc(slices.Clone(v.ids), func(got string) bool { return got == id }))
}

// link is the sign-in link that a development node prints.
func (n *testNode) link() string {
	n.t.Helper()
	found := regexp.MustCompile(`http://\S+/ui/(#code=\S+)`).FindStringSubmatch(n.proc.out.String())
	if found == nil {
		n.t.Fatalf("no link:\n%s", n.proc.out.String())
	}
	return "/ui/" + found[1]
}

// The link that a development node prints signs one browser in, once; a token
// signs in any; the cookie is out of every script's reach.
func TestPageSignsIn(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	base := "http://" + n.http
	first := b.tab(base)
	first.open(n.link())
	first.see("Three steps to a first delivery")
	if left := js[string](first, "location.hash + document.cookie"); left != "" {
		t.Errorf("in the script's reach: %q", left)
	}
	first.open("/ui/webhooks")
	first.see("No webhooks yet")

	second := b.tab(base)
	second.expects("401 (Unauthorized) " + base + "/v1/session")
	second.open(n.link())
	second.fill("Token", "not.a.token")
	second.click("Sign in")
	second.await("the fault at its field", "document.querySelector('.field.bad .said')?.innerText && document.activeElement === byLabel('Token')")
	second.fill("Token", n.token())
	second.click("Sign in")
	second.see("Three steps to a first delivery")
	second.click("operator")
	second.click("Sign out")
	second.await("nobody to be signed in", "byLabel('Token')")
	second.open("/ui/webhooks")
	second.await("nobody to be signed in", "byLabel('Token')")
}

// What somebody does who has just started a node, with the mouse and without a
// manual: a webhook, its test, its key, a delivery, its replay.
func TestPageFromLinkToReplay(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.click("Add")
	p.fill("Webhook Name", "Front desk")
	p.fill("Endpoint URL", to.URL+"/hook")
	p.fill("Customer", "acme")
	p.click("Test before saving")
	p.see("Accepted: 200")
	p.click("Save")
	p.await("the new webhook to be marked", "document.querySelector('tr[aria-current]')?.innerText.includes('Front desk')")
	p.see("Front desk was added")
	if p.has("whsec_") {
		t.Error("the key is shown though nobody asked")
	}
	p.click("Reveal Key")
	p.see("whsec_")
	key := js[string](p, "top().querySelector('.note .copy pre').innerText")
	p.click("Front desk")
	p.see("Well: events are delivered as they come.")
	if p.has(key) {
		t.Error("the key is shown though nobody asked")
	}
	p.click("Test")
	p.click("Send a test")
	p.see("Accepted: 200")
	p.see("thanks")
	p.click("Key")
	p.click("Reveal Key")
	p.see(key)
	p.click("Deliveries")
	n.must(`{"hello":"world","big":9007199254740993}`, "publish", "events.acme.greeting.sent", "--http", "--id", "greeting-1")
	p.await("the delivery in the feed", "byWords('greeting.sent')?.innerText.includes('delivered')")
	p.click("greeting.sent")
	p.see("9007199254740993")
	p.click("Replay")
	p.see("Replayed")
	n.await("the replay at the receiver", func() bool { return to.times("greeting-1") == 2 })
	p.click("Close")
	p.await("both in the feed", "document.querySelectorAll('tr[data-row]').length === 2")
	p.open("/ui/webhooks")
	p.click("Front desk")
	p.click("Pause")
	p.see("Paused by hand")
	p.click("Resume")
	p.see("Well: events are delivered as they come.")
	p.click("Remove")
	p.see("Nothing waits for it.")
	p.click("Remove")
	p.see("No webhooks yet")
}

// GenLogs' words, start to end: an alert added, previewed, run; its matches.
func TestPageRunsAnAlertSummary(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	cam := newCamera(t, n)
	cam.see("ABC1234", t.Context().Done())
	cam.see("QQQ111", t.Context().Done())
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.click("Alerts")
	p.see("No alerts yet")
	p.click("Add an alert")
	p.fill("Name", "Stolen trailers")
	p.fill("E-mail", "guard@example.com")
	p.fill("Customer", "acme")
	p.fill("License plate", "ABC1234")
	p.click("Preview")
	p.see("1 match in 2 detections")
	p.click("Save")
	p.see("License plate ABC1234")
	p.click("Run Alert Summary")
	p.see("No new matches: nothing is sent") // what came before the alert is not new
	cam.see("ABC1234", t.Context().Done())
	p.click("Run Alert Summary")
	p.see("1 match")
	p.click("1 match")
	p.see("Stolen trailers")
	p.await("the run", "document.querySelector('.drawer')?.innerText.includes('Houston')")
}

// A session sees what its token may: a button says which role is missing, and
// another customer's things are not there.
func TestPageHoldsToRolesAndCustomers(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"http://127.0.0.1:1/hook"}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	n.must(`{}`, "publish", "events.acme.greeting.sent", "--http")
	delivery := n.delivery("endpoint=" + made.ID)
	token := func(customer, role string) string {
		return strings.TrimSpace(n.must("", "token", "--customer", customer, "--role", role))
	}
	viewer := b.tab("http://" + n.http)
	viewer.signIn(token("acme", "external-api-get-webhook-list"))
	viewer.open("/ui/webhooks/" + made.ID)
	for button, role := range map[string]string{"Pause": "admin or edit-alert-webhook-endpoint", "Edit": "admin or edit-alert-webhook-endpoint", "Remove": "admin or external-api-delete-alert-webhook-endpoint"} {
		viewer.await(button+" with its role", "byWords("+quoted(button+" (needs the role "+role+")")+")?.disabled")
	}
	if viewer.has("Operator") {
		t.Error("a viewer is led to the operator's page")
	}
	other := b.tab("http://" + n.http)
	other.expects("404 (Not Found)", "403 (Forbidden)")
	other.signIn(token("globex", "admin"))
	for path, text := range map[string]string{"/webhooks": "No webhooks yet", "/deliveries": "No deliveries yet", "/deadletters": "Nothing was given up", "/runs": "No runs yet",
		"/operator": "needs the role operator", "/webhooks/" + made.ID: "not found", "/deliveries?open=" + delivery: "not found"} {
		other.open("/ui" + path)
		other.see(text)
		if other.has("Front desk") || other.has("greeting.sent") {
			t.Errorf("%s shows what is acme's", path)
		}
	}
}
