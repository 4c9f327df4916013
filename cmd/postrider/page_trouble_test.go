package main

import (
	"net/http"
	"testing"
)

// What somebody else changed while a form was open is shown, and neither is
// lost, though the page behind the form has long learnt of it.
func TestPageTellsOfAnothersEdit(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	var made struct{ ID string }
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`/a"}`, &made); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	theirs := func(name string) {
		t.Helper()
		if status, text := n.call("PATCH", "/v1/endpoints/"+made.ID, `{"name":"`+name+`","events":["theirs.>"]}`, nil); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	p := b.tab("http://" + n.http)
	p.expects("412 (Precondition Failed)")
	p.open(n.link())
	p.see("All is well")
	p.open("/ui/webhooks/" + made.ID + "?edit=1")
	p.fill("Endpoint URL", to.URL+"/mine")
	p.click("Test before saving")
	p.see("Accepted: 200")
	if !to.asked("/mine") {
		t.Error("a test before saving an edit did not go to the URL of the form")
	}
	theirs("Their desk")
	p.await("the page behind to learn of it", "document.querySelector('h1').innerText === 'Their desk'")
	p.click("Save")
	p.see("Somebody else changed this webhook")
	p.await("both changes, told apart", `(() => { const rows = [...top().querySelectorAll('.differences tbody tr')].map((r) => r.innerText.split('\t').map((c) => c.trim()));
		return rows.some((r) => r[0] === 'Webhook Name' && r[1] === 'Front desk' && r[2] === 'Their desk') && rows.some((r) => r[0] === 'Endpoint URL' && r[3].endsWith('/mine')); })()`)
	p.click("Keep mine, beside theirs")
	p.await("the form with both", "byLabel('Webhook Name')?.value === 'Their desk' && byLabel('Endpoint URL').value.endsWith('/mine')")
	p.click("Save")
	p.await("the end of the form", "!document.querySelector('dialog[open]')")
	var kept struct {
		Name, URL string
		Events    []string
	}
	n.call("GET", "/v1/endpoints/"+made.ID, "", &kept)
	if kept.Name != "Their desk" || kept.URL != to.URL+"/mine" || len(kept.Events) != 1 || kept.Events[0] != "theirs.>" {
		t.Errorf("%+v", kept)
	}
}

// A node that is killed under the page: a banner says as of when the data is,
// the data stays, and all goes on by itself when the node is there again.
func TestPageOutlivesItsNode(t *testing.T) {
	t.Parallel()
	b, n, to := newBrowser(t), newTestNode(t), newVisited(t, "thanks")
	n.start()
	if status, text := n.call("POST", "/v1/endpoints", `{"customer":"acme","name":"Front desk","url":"`+to.URL+`"}`, nil); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	n.publishMany("events.acme.before.sent", 3)
	p := b.tab("http://" + n.http)
	p.expects("ERR_", "503 (Service Unavailable)", "404 (Not Found)")
	p.open(n.link())
	p.see("All is well")
	p.open("/ui/deliveries")
	p.await("three rows", rows+" === 3")
	n.kill()
	p.see("Not up to date: the node does not answer. What is shown is as of")
	if got := js[int](p, rows); got != 3 {
		t.Errorf("%d rows while the node is away", got)
	}
	n.start()
	n.publishMany("events.acme.after.sent", 2)
	p.await("all five, and no banner", rows+" === 5 && !document.querySelector('.banner')")
}
