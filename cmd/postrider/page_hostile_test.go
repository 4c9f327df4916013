package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// hostile are texts that would act where a page took them for anything but text.
var hostile = []string{
	`"><img src=x onerror="window.acted=1">`,
	`</script><script>window.acted=1</script>`,
	`javascript:window.acted=1`,
	`'-alert(1)-'{{constructor.constructor("window.acted=1")()}}`,
	`<svg onload=window.acted=1><a xlink:href="javascript:window.acted=1">x</a></svg>`,
	`<!--<iframe srcdoc="<script>parent.acted=1</script>">`,
	"&lt;b&gt;\u202emoc.live\u202c\u0000\u0007`${window.acted=1}`",
}

// What customers, producers and receivers write is shown as text, on every page.
func TestPageShowsHostileTextAsText(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	all := strings.Join(hostile, " | ")
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, all)
	}))
	t.Cleanup(receiver.Close)
	post := func(path string, body any, wanted int, out any) string {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		status, text := n.call("POST", path, string(raw), out)
		if status != wanted {
			t.Fatalf("POST %s: %d %s", path, status, text)
		}
		return text
	}
	shownName := strings.Join(hostile[:3], " ")
	var hook struct{ ID string }
	post("/v1/endpoints", map[string]any{"customer": "acme", "name": shownName, "description": shownName, "url": receiver.URL + "/?q=%22%3E%3Cimg%20src=x%20onerror=window.acted=1%3E",
		"events": []string{">"}, "headers": map[string]string{"X-Note": shownName}, "profile": "custom", "signature": map[string]any{"scheme": "standard"},
		"body": map[string]any{shownName: shownName}, "delivery": map[string]any{"retries": false}}, http.StatusCreated, &hook)
	data, err := json.Marshal(map[string]string{all: all})
	if err != nil {
		t.Fatal(err)
	}
	n.must(string(data), "publish", "events.acme.greeting.sent", "--http", "--id", hostile[2])
	post("/alerts", map[string]any{"customer": "acme", "alert_name": shownName, "email": "a@example.com", "alert_type": "normal", "license_plate": "ABC1234", "trailer_logo": shownName, "match": "any"}, http.StatusCreated, nil)
	post("/v1/customers", map[string]any{"id": "evil", "name": shownName, "locations": []map[string]any{{"uuid": "l1", "name": hostile[4], "hardware": "vertx"}, {"uuid": "l2", "name": hostile[5], "hardware": "mercury"}}}, http.StatusCreated, nil)
	seen, err := json.Marshal(map[string]any{"license_plate": "ABC1234", "city": hostile[0], "road": hostile[1], "lat_long": "29.7604, -95.3698", "result_url": hostile[2],
		"front_view_url": "javascript:window.acted=1//https://x", "side_view_url": hostile[0], "rear_view_url": "data:text/html,<script>window.acted=1</script>"})
	if err != nil {
		t.Fatal(err)
	}
	n.must(string(seen), "publish", "detections.i45", "-", "--nats-url", "nats://"+n.nats)
	run := n.runAlerts()
	letter := n.deadLetter(hook.ID)
	delivery := n.delivery("status=dead_lettered&endpoint=" + hook.ID)

	p := b.tab("http://" + n.http)
	p.signIn(n.token())
	for path, text := range map[string]string{"/": "Last deliveries", "/webhooks": shownName, "/webhooks?q=" + "%22%3E%3Cimg%20src=x%20onerror=window.acted=1%3E": "Clear",
		"/webhooks/" + hook.ID: shownName, "/webhooks/" + hook.ID + "?tab=Settings": shownName, "/deliveries?open=" + delivery: hostile[1],
		"/deadletters?open=" + letter: hostile[0], "/replays?new=1": "New replay", "/alerts": shownName, "/runs?open=" + run.ID: shownName, "/operator": shownName,
		"/operator?open=evil": hostile[4], "/operator?q=" + url.QueryEscape(hostile[3]): "No customer has", "/webhooks/" + hook.ID + "?edit=1": "Edit webhook",
		"/integrations": "Roll Your Own", "/webhooks?add=" + url.QueryEscape(hostile[0]): "Webhooks", "/alerts?type=hot&customer=acme": "Alerts"} {
		p.open("/ui" + path)
		p.await(fmt.Sprintf("%s to show %s", path, text), "document.body.textContent.replace(/\\s+/g, ' ').includes("+quoted(text)+")")
		p.unharmed(path)
	}
	evil := b.tab("http://" + n.http)
	evil.signIn(strings.TrimSpace(n.must("", "token", "--customer", "evil", "--role", "admin")))
	evil.open("/ui/account")
	evil.see(hostile[4])
	evil.click("Edit")
	evil.await("its locations", "byLabel('Location 1')?.value === "+quoted(hostile[4]))
	evil.unharmed("the account")
	evil.open("/ui/webhooks?add=1")
	evil.await("the version's hint", "document.querySelector('dialog .warn')?.innerText.includes("+quoted(hostile[5])+")")
	evil.unharmed("a form")

	p.open("/ui/webhooks/" + hook.ID + "?tab=Test")
	p.click("Send a test")
	p.see("Not accepted: 500")
	p.see(hostile[0])
	p.unharmed("a test's answer")
	p.click("Go to… ⌘K")
	p.fill("Page, webhook or event id", hostile[0])
	p.see("Deliveries of event")
	p.unharmed("the palette")

	// What is no type and no URL is said to be none.
	p.expects("400 (Bad Request)")
	p.open("/ui/deliveries?type=%3Cimg%20src=x%20onerror=window.acted=1%3E")
	p.await("the refusal", "document.querySelector('main .wrong[role=alert]')?.innerText.includes('type')")
	p.unharmed("a filter")
	p.open("/ui/webhooks?add=1")
	p.fill("Endpoint URL", hostile[2])
	p.fill("Customer", "acme")
	p.click("Save")
	p.await("the fault at its field", "byLabel('Endpoint URL').closest('.field.bad') && document.activeElement === byLabel('Endpoint URL')")
}

// unharmed checks that no text became an element, and none acted.
func (p *tab) unharmed(where string) {
	p.t.Helper()
	if found := js[string](p, `[window.acted ? 'acted' : '', ...[...document.querySelectorAll('#app script, #app img, #app iframe, #app svg a, [onload], [onerror], a[href^="javascript:" i]')].map((e) => e.outerHTML)].filter(Boolean).join('\n')`); found != "" {
		p.t.Errorf("%s: %s", where, found)
	}
}
