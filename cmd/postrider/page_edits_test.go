package main

import (
	"net/http"
	"testing"
)

// Of a customer and of an alert, too, what somebody else changed while a form was
// open is shown, and neither is lost.
func TestPageTellsOfAnothersEditOfCustomerAndAlert(t *testing.T) {
	t.Parallel()
	b, n := newBrowser(t), newTestNode(t)
	n.start()
	alert := n.addAlert("Stolen trailers", "normal", "ABC1234")
	change := func(path, body string) {
		t.Helper()
		if status, text := n.call("PATCH", path, body, nil); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	p := b.tab("http://" + n.http)
	p.expects("412 (Precondition Failed)")
	p.open(n.link())
	p.see("Overview")

	p.open("/ui/operator?open=acme")
	p.click("Edit")
	p.fill("Name", "Mine Incorporated")
	change("/v1/customers/acme", `{"email":"theirs@example.com","quotas":{"endpoints":7}}`)
	p.click("Save")
	p.see("Somebody else changed this customer")
	p.click("Keep mine, beside theirs")
	p.await("the form with both", "byLabel('Name')?.value === 'Mine Incorporated' && byLabel('E-mail for notices').value === 'theirs@example.com'")
	p.click("Save")
	p.await("the end of the form", "byWords('Edit')")
	var customer struct {
		Name, Email string
		Quotas      map[string]float64
	}
	n.call("GET", "/v1/customers/acme", "", &customer)
	if customer.Name != "Mine Incorporated" || customer.Email != "theirs@example.com" || customer.Quotas["endpoints"] != 7 {
		t.Errorf("%+v", customer)
	}

	p.open("/ui/alerts")
	p.click("Stolen trailers")
	p.fill("License plate", "MINE1")
	change("/alerts/"+alert, `{"alert_name":"Theirs","vin":"004352"}`)
	p.click("Save")
	p.see("Somebody else changed this alert")
	p.await("both changes, told apart", `(() => { const rows = [...top().querySelectorAll('.differences tbody tr')].map((r) => r.innerText.split('\t').map((c) => c.trim()));
		return rows.some((r) => r[0] === 'Name' && r[2] === 'Theirs') && rows.some((r) => r[0] === 'License plate' && r[3] === 'MINE1'); })()`)
	p.click("Keep mine, beside theirs")
	p.click("Save")
	p.await("the end of the form", "!document.querySelector('dialog[open]')")
	var kept struct {
		Name  string `json:"alert_name"`
		Plate string `json:"license_plate"`
		VIN   string
	}
	n.call("GET", "/alerts/"+alert, "", &kept)
	if kept.Name != "Theirs" || kept.Plate != "MINE1" || kept.VIN != "004352" {
		t.Errorf("%+v", kept)
	}
}
