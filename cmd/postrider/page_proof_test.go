package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// kept is a receiver that keeps the last request.
type kept struct {
	*httptest.Server
	mu     sync.Mutex
	header http.Header
	body   string
	status int
}

func newKept(t *testing.T) *kept {
	k := &kept{status: http.StatusNoContent}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.header, k.body = r.Header.Clone(), string(body)
		w.WriteHeader(k.status)
	}))
	t.Cleanup(k.Close)
	return k
}

func (k *kept) last() (http.Header, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.header, k.body
}

// What was sent is proved by its hash, what it would be now is told apart, and
// the page verifies what a receiver got, and says why it does not fit, without
// sending the key anywhere.
func TestPageProvesWhatWasSent(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newKept(t)
	n.start()
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`","secret":"`+secret+`"}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	n.must(`{"hello":"world"}`, "publish", "events.acme.greeting.sent", "--http")
	delivery := n.delivery("status=delivered")
	header, body := to.last()
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.see("All is well")
	p.open("/ui/deliveries?open=" + delivery)
	p.see("This is what was sent")
	p.see(fmt.Sprintf("%x", sha256.Sum256([]byte(body))))
	p.see("This is where it went, and with these headers")
	p.await("the request without its signature", `(() => { const text = [...document.querySelectorAll('.beside pre')][0].innerText;
		return text.startsWith('POST `+to.URL+`') && text.includes('Webhook-Id: `+header.Get("webhook-id")+`') && text.includes('Webhook-Timestamp: `+header.Get("webhook-timestamp")+`') && text.includes('Webhook-Signature: ***'); })()`)
	p.await("the list beside it", rows+" === 1")
	if status, text := n.call("PATCH", "/v1/endpoints/"+made.ID, `{"body":{"other":"${event.type}"}}`, nil); status != http.StatusOK {
		t.Fatal(status, text)
	}
	p.see("another body was sent")
	if status, text := n.call("PATCH", "/v1/endpoints/"+made.ID, `{"url":"`+to.URL+`/elsewhere"}`, nil); status != http.StatusOK {
		t.Fatal(status, text)
	}
	p.see("the last attempt went to another address")
	p.open("/ui/webhooks/" + made.ID + "?tab=Changes")
	p.await("who changed what", `document.querySelectorAll('.changes li').length === 3 && top().innerText.includes('/elsewhere')`)

	p.open("/ui/webhooks/" + made.ID + "?tab=Verify")
	p.see("webhook-signature")
	p.see("timingSafeEqual")
	p.click("Python")
	p.see("hmac.compare_digest")
	p.fill("Key", secret)
	p.fill("Headers", fmt.Sprintf("webhook-id: %s\nwebhook-timestamp: %s\nwebhook-signature: %s", header.Get("webhook-id"), header.Get("webhook-timestamp"), header.Get("webhook-signature")))
	p.fill("Body", body)
	p.click("Check the signature")
	p.see("It fits")
	p.fill("Body", body+"\n")
	p.click("Check the signature")
	p.see("a line end was added behind the body")
	p.fill("Body", strings.ReplaceAll(body, "world", "mars"))
	p.click("Check the signature")
	p.see("another key, or another body")
	raw := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(raw, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
	p.fill("Headers", fmt.Sprintf("webhook-id: %s\nwebhook-timestamp: %s\nwebhook-signature: v1,%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), base64.StdEncoding.EncodeToString(raw.Sum(nil))))
	p.fill("Body", body)
	p.click("Check the signature")
	p.see("to be decoded from base64")
}

// What was signed with ed25519 is checked in the browser by the public key, and by
// the private one as a seed and whole.
func TestPageChecksEd25519(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newKept(t)
	n.start()
	private := ed25519.NewKeyFromSeed([]byte("a seed of exactly 32 bytes, sure"))
	seed := "whsk_" + base64.StdEncoding.EncodeToString(private.Seed())
	public := "whpk_" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","url":"`+to.URL+`","secret":"`+seed+`"}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	n.must(`{"hello":"world"}`, "publish", "events.acme.greeting.sent", "--http")
	n.delivery("status=delivered")
	header, body := to.last()
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.see("All is well")
	p.open("/ui/webhooks/" + made.ID + "?tab=Verify")
	p.fill("Headers", fmt.Sprintf("webhook-id: %s\nwebhook-timestamp: %s\nwebhook-signature: %s", header.Get("webhook-id"), header.Get("webhook-timestamp"), header.Get("webhook-signature")))
	p.await("the public key, shown and filled in", "top().innerText.includes('"+public+"') && byLabel('Key').value === '"+public+"'")
	check := func(key, body, verdict string) {
		t.Helper()
		p.fill("Key", key)
		p.fill("Body", body)
		p.click("Check the signature")
		p.see(verdict)
	}
	check(public, body, "It fits")
	check(public, body+"\n", "a line end was added behind the body")
	check(seed, body, "It fits")
	check(seed, strings.ReplaceAll(body, "world", "mars"), "another key, or another body")
	check("whsk_"+base64.StdEncoding.EncodeToString(private), body, "It fits")
	check("whpk_AAAA", body, "is not an ed25519 key")
	check("whsec_"+base64.StdEncoding.EncodeToString(private.Seed()), body, "take the public one")
	other := ed25519.NewKeyFromSeed([]byte("another one of exactly 32 bytes!")).Public().(ed25519.PublicKey)
	check("whpk_"+base64.StdEncoding.EncodeToString(other), body, "another key, or another body")
}

// A filter and a body are tried on what was published, before they are saved;
// dead letters are grouped, replayed and purged as a group.
func TestPageTriesOnRealEventsAndClearsGroups(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Badge printer","url":"http://127.0.0.1:1/hook","delivery":{"retries":false}}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	for i := range 4 {
		n.must(fmt.Sprintf(`{"door":"%s","n":%d}`, []string{"Main", "Side"}[i%2], i), "publish", "events.acme.access.granted", "--http")
	}
	n.must(`{}`, "publish", "events.acme.visitor.left", "--http")
	n.deadLetter(made.ID)
	p := b.tab("http://" + n.http)
	p.open(n.link())
	p.see("needs you")
	p.open("/ui/webhooks?add=1")
	p.fill("Endpoint URL", to.URL)
	p.fill("Customer", "acme")
	p.click("More")
	p.fill("Events", "access.>")
	p.fill("Filter", "event.data.door == 'Main'")
	p.fill("Custom Body", `{"where":"${event.data.door} ${event.data.n}"}`)
	p.click("Try on the last 500 events")
	p.see("2 would be sent")
	p.see("2 left out by the filter")
	p.see("of other types")
	p.see(`"where": "Main 2"`)
	p.fill("Filter", "event.data.")
	p.expects("400 (Bad Request)")
	p.click("Try on the last 500 events")
	p.await("the fault at its field", "byLabel('Filter').closest('.field.bad') && document.activeElement === byLabel('Filter')")
	if to.count() > 0 {
		t.Error("a trial sent something")
	}

	p.open("/ui/deadletters")
	p.await("the group", "byWords('retries_off')?.innerText.includes('Badge printer')")
	p.click("retries_off")
	p.click("Purge…")
	p.see("deleted for good")
	p.await("the count", "[...top().querySelectorAll('button')].find((b) => /^Delete [1-9]/.test(b.innerText))?.click() ?? true")
	p.see("Nothing was given up")
}
