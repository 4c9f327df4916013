package main

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// From sign-in to a replay with nothing but keys: a webhook, its test, its key,
// a delivery, its replay, alone and chosen from the list; then elsewhere by the
// palette.
func TestPageByKeyboardAlone(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	p := b.tab("http://" + n.http)
	p.expects("401 (Unauthorized) " + p.base + "/v1/session")
	p.open("/ui/")
	p.await("the focus in the field", focused("Token"))
	p.press(n.token(), kb.Enter)
	p.see("Three steps to a first delivery")

	p.press("g", "e")
	p.see("No webhooks yet")
	p.tabTo("Add")
	p.press(kb.Enter)
	p.await("the focus in the first field", focused("Webhook Name"))
	p.press("Front desk", kb.Tab, to.URL+"/hook")
	p.tabTo("Customer")
	p.press("acme")
	p.tabTo("Test before saving")
	p.press(kb.Enter)
	p.see("Accepted: 200")
	p.tabTo("Save")
	p.press(kb.Enter)
	p.see("Front desk was added")
	p.tabTo("Reveal Key")
	p.press(" ")
	p.see("whsec_")

	n.must(`{"hello":"world"}`, "publish", "events.acme.greeting.sent", "--http", "--id", "greeting-1")
	p.press("g", "d")
	p.await("the delivery", "byWords('greeting.sent')?.innerText.includes('delivered')")
	p.press("j")
	p.await("the focus on the row", "document.activeElement.matches('tr[data-row]')")
	p.press(kb.Enter)
	p.await("the drawer", "document.querySelector('.drawer')?.innerText.includes('Attempts')")
	p.press("r")
	p.see("Replayed")
	n.await("the replay at the receiver", func() bool { return to.times("greeting-1") == 2 })
	p.press(kb.Escape)
	p.await("the list alone, with both", "!document.querySelector('.drawer') && "+rows+" === 2")
	p.press("j", "x")
	p.see("1 delivery chosen")
	p.press("r")
	n.await("the chosen one at the receiver", func() bool { return to.times("greeting-1") == 3 })
	p.await("nothing chosen any more", rows+" === 3 && !document.querySelector('.chosen')")

	p.press("?")
	p.see("Single keys")
	p.press(kb.Escape)
	p.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	p.await("the palette", focused("Page, webhook or event id"))
	p.press("front")
	p.await("the webhook to be found", "byWords('Front desk '+"+quoted(to.URL+"/hook")+") ?? [...document.querySelectorAll('[role=option]')].find((e) => e.innerText.includes('Front desk') && e.getAttribute('aria-selected') === 'true')")
	p.press(kb.Enter)
	p.see("Well: events are delivered as they come.")
	p.press("p")
	p.see("Paused by hand")
	p.press("p")
	p.see("Well: events are delivered as they come.")
}
