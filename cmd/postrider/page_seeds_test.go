package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// customerToken is of an admin of a customer.
func (n *testNode) customerToken(customer string) string {
	n.t.Helper()
	return strings.TrimSpace(n.must("", "token", "--customer", customer, "--role", "admin"))
}

// Genea's document, sentence by sentence: Global View, Integrations, Roll Your
// Own, Manage, Add, four fields, Save, edit, Reveal Key.
func TestPageRollsOnesOwnAsGeneaSays(t *testing.T) {
	t.Parallel()
	b, to := newBrowser(t), newKept(t)
	to.status = http.StatusOK
	n := newTestNode(t, "POSTRIDER_EGRESS_SOURCE_IPS=127.0.0.1")
	n.start()
	if status, text := n.call("POST", "/v1/customers", `{"id":"acme","locations":[{"uuid":"l1","name":"Houston","hardware":"vertx"},{"uuid":"l2","name":"Dallas","hardware":"mercury"}]}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	p := b.tab("http://" + n.http)
	p.signIn(n.customerToken("acme"))
	p.see("Global View")
	p.click("Integrations")
	p.see("Roll Your Own")
	p.click("Manage")
	p.see("No webhooks yet")
	p.click("Add")
	p.await("Genea's form, as there are doors", "byLabel('Version')")
	first := js[string](p, "[...top().querySelectorAll('form label')].slice(0, 4).map((l) => (l.querySelector('span:not(.hint)') ?? l).innerText.trim().split('\\n')[0]).join(', ')")
	if want := "Webhook Name, Endpoint URL, Version, Delivery retries"; !strings.HasPrefix(first, want) {
		t.Errorf("the first fields are %s, want %s", first, want)
	}
	p.see("200 only; 3 × 10 s")
	p.see("Event Supported")
	p.see("Houston has VertX, Dallas has Mercury: v3 alone covers both.")
	if off := js[string](p, "[...byLabel('Version').options].filter((o) => o.disabled).map((o) => o.text).join(' ')"); off != "v1 v2" {
		t.Errorf("switched off: %q", off)
	}
	p.fill("Webhook Name", "Coffee machine")
	p.fill("Endpoint URL", to.URL+"/hook")
	p.fill("Version", "v3")
	p.click("Save")
	p.await("the list, with the new row marked", "location.pathname === '/ui/webhooks' && document.querySelector('tr[aria-current]')?.innerText.includes('Coffee machine') && !document.querySelector('dialog[open]')")
	p.click("Edit Coffee machine")
	p.click("Reveal Key")
	p.await("the key", "top().querySelector('.copy pre')?.innerText.length >= 16")
	key := js[string](p, "top().querySelector('.copy pre').innerText")
	p.click("Close")

	n.must(n.sampleOf("access.granted"), "publish", "events.acme.access.granted", "-", "--nats-url", "nats://"+n.nats)
	p.open("/ui/deliveries")
	p.await("the delivery", "byWords('access.granted')?.innerText.includes('delivered')")
	header, body := to.last()
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(body))
	if got, want := header.Get("X-Sequr-Signature"), fmt.Sprintf("sha1=%x", mac.Sum(nil)); got != want {
		t.Errorf("signed %s, by the key revealed %s", got, want)
	}
	if kind := header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("sent as %s", kind)
	}

	p.open("/ui/webhooks")
	p.click("Coffee machine")
	p.click("Verify")
	p.see("X-Sequr-Signature")
	p.click("Ruby")
	p.see("OpenSSL::HMAC.hexdigest('sha1'")
	p.open("/ui/addresses")
	p.see("127.0.0.1")
	p.open("/ui/catalogue?open=access.granted")
	p.see(`"event_message"`)
}

// sampleOf is the catalogue's sample of a type.
func (n *testNode) sampleOf(eventType string) string {
	n.t.Helper()
	var list struct {
		Items []struct {
			Type   string          `json:"type"`
			Sample json.RawMessage `json:"sample"`
		} `json:"items"`
	}
	if status, text := n.call("GET", "/v1/event-types?q="+eventType, "", &list); status != http.StatusOK || len(list.Items) == 0 {
		n.t.Fatalf("%d %s", status, text)
	}
	return string(list.Items[0].Sample)
}

// Datadog by its recipe, and by hand with a custom header and a custom body,
// which is rendered as it is typed; a certificate that is not valid is named.
func TestPageIntegratesOtherProducts(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	if status, text := n.call("POST", "/v1/customers", `{"id":"acme","locations":[{"uuid":"l1","name":"Dallas","hardware":"mercury"}]}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	p := b.tab("http://" + n.http)
	p.signIn(n.customerToken("acme"))
	p.click("Integrations")
	p.click("Add Datadog logs")
	p.await("the focus in what it asks for", focused("An API key of the organization"))
	p.click("Save")
	p.await("the fault at its field", "byLabel('An API key of the organization').closest('.field.bad') && document.activeElement === byLabel('An API key of the organization')")
	const key = "0123456789abcdef0123456789abcdef"
	p.fill("An API key of the organization", key)
	p.fill("The Datadog site", "datadoghq.eu")
	p.click("Save")
	p.see("Datadog logs was added")
	var list struct {
		Items []struct {
			ID, URL   string
			Headers   map[string]string
			Signature struct{ Scheme string }
		}
	}
	n.call("GET", "/v1/endpoints?customer=acme", "", &list)
	if len(list.Items) != 1 || list.Items[0].URL != "https://http-intake.logs.datadoghq.eu/api/v2/logs" || list.Items[0].Signature.Scheme != "none" || len(list.Items[0].Headers) != 1 {
		t.Errorf("%+v", list.Items)
	}
	if p.has(key) || strings.Contains(js[string](p, "location.href + document.documentElement.outerHTML"), key) {
		t.Error("the key is on the page")
	}

	n.must(n.sampleOf("access.granted"), "publish", "events.acme.access.granted", "--http", "--id", "granted-1", "-")
	p.click("Add")
	p.await("Genea's form", "byLabel('Version')")
	p.fill("Endpoint URL", "https://http-intake.logs.datadoghq.com/api/v2/logs")
	p.see("answers 202 to what it takes")
	p.click("Count any 2xx")
	p.await("no warning any more", "!top().querySelector('.note')")
	p.click("More")
	p.fill("Profile", "custom")
	p.fill("Custom Header", "DD-API-KEY: "+key)
	p.fill("Custom Body", `{"message":"${event.data.event_message}","from":"${event.customer}"}`)
	p.await("what it would send of the real event", `top().querySelector('.rendered pre')?.innerText.includes('"from": "acme"') && top().querySelector('.rendered').innerText.includes('granted-1')`)
	p.expects("400 (Bad Request)")
	p.fill("Custom Body", `{"message":"${event.data.}"}`)
	p.await("why that is no body, and the focus where it was", "top().querySelector('.rendered .said')?.innerText.includes('body')")
	p.click("Close")

	self := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	self.Config.ErrorLog = log.New(io.Discard, "", 0)
	self.StartTLS()
	t.Cleanup(self.Close)
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Own certificate","url":"`+self.URL+`"}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	p.open("/ui/webhooks/" + made.ID + "?tab=Test")
	p.click("Send a test")
	p.see("Not accepted")
	p.see("certificate")
}

// GenLogs' document: webhooks and alerts apart, only enabled ones notified, the
// same at the same time by mail, one payload with all matches, and each error at
// its field in its own words.
func TestPageTellsWhomARunToldAsGenLogsSays(t *testing.T) {
	t.Parallel()
	b, to := newBrowser(t), newKept(t)
	office, settings := newPostOffice(t)
	n := newTestNode(t, settings...)
	n.start()
	if status, text := n.call("POST", "/v1/customers", `{"id":"acme","customer_id":123,"time_zone":"America/Chicago"}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	p := b.tab("http://" + n.http)
	p.signIn(n.customerToken("acme"))
	add := func(name, path string) {
		p.open("/ui/webhooks?add=1")
		p.fill("Webhook Name", name)
		p.fill("Endpoint URL", to.URL+path)
		p.fill("Profile", "genlogs")
		p.click("Save")
	}
	add("Fleet desk", "/fleet")
	p.see("Fleet desk was added")
	add("Night desk", "/night")
	p.see("Night desk was added")
	p.expects("400 (Bad Request)")
	add("Once more", "/fleet")
	p.await("the refusal, word for word, at its field", "byLabel('Endpoint URL').closest('.field.bad')?.querySelector('.said').innerText === 'Webhook URL already registered for this customer' && document.activeElement === byLabel('Endpoint URL')")
	p.click("Close")
	p.click("Deliver to Night desk")
	p.await("it to be off", "byWords('Deliver to Night desk')?.checked === false")

	p.click("Alerts")
	for _, alert := range [][2]string{{"Stolen trailer", "ABC1234"}, {"Watch list", "XYZ987"}} {
		p.click("Add")
		p.fill("Name", alert[0])
		p.fill("E-mail", "guard@example.com")
		p.fill("License plate", alert[1])
		p.click("Save")
		p.see("License plate " + alert[1])
	}
	p.see("America/Chicago")
	p.await("when they run next", "document.querySelector('.schedule')?.innerText.match(/Daily\\s+not run yet\\s+next \\w+,? 07:00 America\\/Chicago/)")
	cam := newCamera(t, n)
	cam.see("ABC1234", t.Context().Done())
	cam.see("XYZ987", t.Context().Done())
	p.click("By program")
	p.see("/alerts")
	p.click("Run Alert Summary")
	p.see("2 matches")
	p.click("2 matches")
	p.await("the run", "document.querySelector('.drawer')?.innerText.includes('Houston')")
	p.await("whom it told", `(() => { const told = [...document.querySelectorAll('.drawer .lines li')].map((l) => l.innerText);
		return told.length === 2 && told.some((t) => t.includes('Fleet desk') && t.includes('delivered')) && told.some((t) => t.includes('guard@example.com')); })()`)
	p.click("One, with all matches of all alerts")
	p.see(`"total_matches": 2`)
	n.await("the mail", func() bool { return len(office.got("guard@example.com")) == 1 })
	header, body := to.last()
	var payload struct {
		Event   string
		Matches []struct {
			AlertName string `json:"alert_name"`
		}
		CustomerID int `json:"customer_id"`
	}
	if err := json.Unmarshal([]byte(body), &payload); err != nil || payload.Event != "alert.matches_found" || len(payload.Matches) != 2 || payload.CustomerID != 123 || header.Get("X-GenLogs-Event") != "alert.matches_found" {
		t.Errorf("%v: %s", err, body)
	}
}
