package main

import (
	_ "embed"
	"encoding/json"
	goflag "flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = goflag.String("screenshots", "", "a folder to write a picture of each page to")

// axe is axe-core, whole.
//
//go:embed testdata/axe/axe.min.js
var axe string

// pageWorld is a node with something of everything, and what is looked at.
type pageWorld struct {
	*testNode
	views []view
}

// view is an address of the page, and what is done there before it is looked at.
type view struct {
	name, path string
	do         func(p *tab)
}

// longName has no place to break a line at.
var longName = "Fire panel " + strings.Repeat("Grundstücksverwaltungsgesellschaft", 4)

func newPageWorld(t *testing.T) *pageWorld {
	t.Helper()
	n := newTestNode(t)
	n.start()
	answers := http.NewServeMux()
	answers.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"taken":true}`) })
	answers.HandleFunc("/ill", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<h1>503 Service Unavailable</h1><p>The back end is being restarted.</p>")
	})
	receiver := httptest.NewServer(answers)
	t.Cleanup(receiver.Close)
	add := func(body string) (id string) {
		var made struct{ ID string }
		if status, text := n.call("POST", "/v1/endpoints", body, &made); status != http.StatusCreated {
			t.Fatalf("%d %s", status, text)
		}
		return made.ID
	}
	well := add(`{"customer":"acme","name":"Visitor desk","url":"` + receiver.URL + `/well","events":["visitor.>","access.>"]}`)
	ill := add(`{"customer":"acme","name":"Datadog","url":"` + receiver.URL + `/ill","events":["access.>"],"delivery":{"schedule":["1h"]}}`)
	add(`{"customer":"acme","name":"` + longName + `","url":"https://hooks.example.com/` + strings.Repeat("a-long-path/", 12) + `","events":["fire.alarm"]}`)
	paused := add(`{"customer":"globex","name":"Night shift","url":"` + receiver.URL + `/well?night","events":[">"]}`)
	given := add(`{"customer":"acme","name":"Old badge printer","url":"` + receiver.URL + `/ill?old","events":["badge.>"],"delivery":{"retries":false}}`)
	n.call("POST", "/v1/endpoints/"+paused+"/pause", "", nil)
	events := []string{`{"customer":"acme","type":"badge.created","data":{"badge":7}}`, `{"customer":"globex","type":"greeting.sent","data":{"hello":"world"}}`}
	for i := range 5 { // a row is like the other
		events = append(events, fmt.Sprintf(`{"customer":"acme","type":"access.granted","data":{"door":{"id":%d,"name":"Main entrance"},"user":"Ada Lovelace"}}`, 9007199254740993+i),
			`{"customer":"acme","type":"visitor.arrived","data":{"visitor":"Grace Hopper"}}`)
	}
	if status, text := n.call("POST", "/v1/events", "["+strings.Join(events, ",")+"]", nil); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	n.addAlert("Stolen trailers", "normal", "ABC1234")
	n.addAlert("Watch list", "hot", "XYZ987")
	cam := newCamera(t, n)
	cam.see("ABC1234", t.Context().Done())
	cam.see("QQQ111", t.Context().Done())
	run := n.runAlerts()
	n.must("", "endpoint", "test", well)
	delivery := n.delivery("endpoint=" + ill + "&status=retrying")
	n.delivery("status=delivered&type=visitor.>")
	letter := n.deadLetter(given)
	n.call("POST", "/v1/replays", `{"endpoint":"`+given+`","status":"dead_lettered"}`, nil)
	open := func(what string) func(*tab) { return func(p *tab) { p.click(what) } }
	return &pageWorld{n, []view{
		{name: "overview", path: "/"}, {name: "integrations", path: "/integrations"},
		{name: "webhooks", path: "/webhooks"}, {name: "webhooks-none", path: "/webhooks?q=nosuchthing"},
		{name: "webhook-add", path: "/webhooks?add=1", do: open("More")}, {name: "webhook-recipe", path: "/webhooks?add=datadog-logs"},
		{name: "webhook", path: "/webhooks/" + ill}, {name: "webhook-settings", path: "/webhooks/" + ill + "?tab=Settings"}, {name: "webhook-key", path: "/webhooks/" + ill + "?tab=Key"},
		{name: "webhook-verify", path: "/webhooks/" + ill + "?tab=Verify"}, {name: "webhook-edit", path: "/webhooks/" + ill + "?edit=1"},
		{name: "webhook-test", path: "/webhooks/" + well + "?tab=Test", do: open("Send a test")},
		{name: "webhook-changes", path: "/webhooks/" + paused + "?tab=Changes"},
		{name: "webhook-try", path: "/webhooks/" + well + "?tab=Try+on+events", do: open("Try on the last 500 events")},
		{name: "deliveries", path: "/deliveries"}, {name: "deliveries-none", path: "/deliveries?type=no.such"},
		{name: "delivery", path: "/deliveries?open=" + delivery}, {name: "program", path: "/deliveries", do: open("By program")},
		{name: "deadletters", path: "/deadletters"}, {name: "deadletter", path: "/deadletters?open=" + letter},
		{name: "replays", path: "/replays?new=1"}, {name: "alerts", path: "/alerts"}, {name: "alert-add", path: "/alerts", do: open("Add")},
		{name: "runs", path: "/runs"}, {name: "run", path: "/runs?open=" + run.ID}, {name: "catalogue", path: "/catalogue"},
		{name: "catalogue-type", path: "/catalogue?open=access.granted"}, {name: "addresses", path: "/addresses"},
		{name: "operator", path: "/operator"}, {name: "customer", path: "/operator?open=acme"}, {name: "customer-edit", path: "/operator?open=acme", do: open("Edit")},
		{name: "nowhere", path: "/nowhere"}, {name: "palette", path: "/", do: open("Go to… ⌘K")},
		{name: "keys", path: "/", do: func(p *tab) { p.press("?"); p.see("Single keys") }},
	}}
}

// ofNobody are views of a customer who has nothing yet, and is an admin of it.
var ofNobody = []view{{name: "empty-overview", path: "/"}, {name: "empty-webhooks", path: "/webhooks"}, {name: "empty-deliveries", path: "/deliveries"},
	{name: "empty-deadletters", path: "/deadletters"}, {name: "empty-replays", path: "/replays"}, {name: "empty-alerts", path: "/alerts"}, {name: "empty-runs", path: "/runs"}, {name: "account", path: "/account"}}

// delivery waits for a delivery that filter finds and gives its id.
func (n *testNode) delivery(filter string) (id string) {
	n.t.Helper()
	n.await("a delivery with "+filter, func() bool {
		var list struct{ Items []struct{ ID string } }
		n.call("GET", "/v1/deliveries?"+filter, "", &list)
		if len(list.Items) > 0 {
			id = list.Items[0].ID
		}
		return id != ""
	})
	return id
}

// deadLetter waits for one of endpoint.
func (n *testNode) deadLetter(endpoint string) (id string) {
	n.t.Helper()
	n.await("a dead letter", func() bool {
		var list struct{ Items []struct{ ID json.Number } }
		n.call("GET", "/v1/deadletters?endpoint="+endpoint, "", &list)
		if len(list.Items) > 0 {
			id = list.Items[0].ID.String()
		}
		return id != ""
	})
	return id
}

// watched counts what the page asks for and has no answer to yet.
const watched = `window.asked = { n: 0, at: Date.now() };
	const ask = window.fetch;
	window.fetch = (...what) => { asked.n++; return ask(...what).finally(() => { asked.n--; asked.at = Date.now(); }); };
	true`

// show goes to a view without loading the page again, and waits until it has
// what it asked for.
func (p *tab) show(v view) {
	p.t.Helper()
	js[bool](p, `document.querySelector('dialog[open]')?.close();
		document.querySelectorAll('details.code[open]').forEach((d) => d.open = false);
		asked.at = Date.now();
		history.pushState(null, '', `+quoted("/ui"+v.path)+`);
		dispatchEvent(new PopStateEvent('popstate')); true`)
	p.await(v.name, settled)
	if v.do != nil {
		v.do(p)
		js[bool](p, "asked.at = Date.now(); true")
		p.await(v.name+" after what was done", settled)
	}
}

// settled is true once a view has what it asked for, and had the time to draw it.
const settled = `asked.n === 0 && Date.now() - asked.at > 120 && document.querySelector('h1')`

// picture writes what is shown to the folder of -screenshots.
func (p *tab) picture(name string) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// What axe is to look for: its rules whose verdict hangs on colours take most of
// its time.
const (
	allRules    = ""
	onlyColours = ", runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }"
	butColours  = ", rules: { 'color-contrast': { enabled: false }, 'link-in-text-block': { enabled: false } }"
)

// Where axe is to look: bar and rail are the same beside every view.
const (
	wholePage  = "document"
	viewsAlone = "{ exclude: ['header.top', 'nav.rail'] }"
)

// violations are what axe finds there that is serious or critical.
func (p *tab) violations(where, rules string) string {
	p.t.Helper()
	return js[string](p, `(async () => {
		const found = await axe.run(`+where+`, { resultTypes: ['violations'], preload: false`+rules+` });
		return found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
			.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 160) + ' ' + n.failureSummary.replace(/\s+/g, ' ').slice(0, 240))).join('\n');
	})()`)
}

// looks are how a view is looked at. What a narrow screen shows may be other
// elements, what a dark one shows are the same in other colours: see
// otherThanColours and coloursOfNarrow.
var looks = []struct {
	suffix string
	width  int64
	dark   bool
	rules  []string // none: what is seen is a picture, and its width
}{{"", 1280, false, []string{allRules}}, {"-dark", 1280, true, []string{onlyColours}}, {"-narrow-dark", 390, true, nil}, {"-narrow", 390, false, []string{butColours}}}

// otherThanColours are the declarations for dark screens that set no colour, and
// no shadow.
const otherThanColours = `[...document.styleSheets].flatMap((s) => [...s.cssRules])
	.filter((r) => r.media?.mediaText.includes('prefers-color-scheme')).flatMap((r) => [...r.cssRules])
	.flatMap((r) => [...r.style].map((name) => [name, r.style.getPropertyValue(name)]))
	.filter(([name, value]) => !name.startsWith('--') || !CSS.supports('color', value) && !CSS.supports('box-shadow', value))
	.map(([name]) => name).join(' ')`

// coloursOfNarrow are the rules for narrow screens that set a colour of text or
// of what lies behind it, of what axe looks at. The drawer covers the page in the
// page's own colour.
const coloursOfNarrow = `[...document.styleSheets].flatMap((s) => [...s.cssRules])
	.filter((r) => r.media?.mediaText.includes('max-width')).flatMap((r) => [...r.cssRules])
	.filter((r) => r.selectorText !== '.drawer' && !r.selectorText.includes('::') && [...r.style].some((name) => /^(color|background|background-color|fill|opacity)$/.test(name)))
	.map((r) => r.selectorText).join(' ')`

// Every view, light and dark, wide and narrow, full and empty: no error in the
// console, nothing that axe calls serious, and nothing wider than the screen.
func TestPageIsAccessible(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newPageWorld(t)
	p := b.tab("http://" + w.http)
	p.signIn(w.token())
	p.look(w.views)
	// Elements that only a narrow screen shows, in both colours.
	p.size(390, 900)
	p.show(view{name: "menu", path: "/webhooks", do: func(p *tab) { p.click("Menu") }})
	for _, dark := range []bool{false, true} {
		p.dark(dark)
		if found := p.violations(wholePage, allRules); found != "" {
			t.Errorf("the menu: %s", found)
		}
	}
	nobody := b.tab("http://" + w.http)
	nobody.expects("404 (Not Found)", "401 (Unauthorized)") // of a customer that is not there yet
	nobody.signIn(w.customerToken("new"))
	nobody.look(ofNobody)
	nobody.click("new")
	nobody.click("Sign out")
	nobody.await("nobody to be signed in", "byLabel('Token')")
	nobody.check("signed-out", wholePage)
}

// look shows views one after the other and checks each look.
func (p *tab) look(views []view) {
	p.t.Helper()
	if other := js[string](p, otherThanColours); other != "" {
		p.t.Fatalf("a dark screen changes more than colours (%s): all rules must look at it", other)
	}
	if other := js[string](p, coloursOfNarrow); other != "" {
		p.t.Fatalf("a narrow screen changes colours (%s): the rules of colours must look at it", other)
	}
	js[bool](p, axe+";\n"+watched)
	for i, v := range views {
		p.size(1280, 900)
		p.dark(false)
		p.show(v)
		p.check(v.name, map[bool]string{true: wholePage, false: viewsAlone}[i == 0])
	}
}

// check looks at what is shown in every way.
func (p *tab) check(name, where string) {
	p.t.Helper()
	for _, look := range looks {
		p.size(look.width, 900)
		p.dark(look.dark)
		p.picture(name + look.suffix)
		for _, rules := range look.rules {
			if found := p.violations(where, rules); found != "" {
				p.t.Errorf("%s%s: %s", name, look.suffix, found)
			}
		}
		if over := js[float64](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			p.t.Errorf("%s%s is %v pixels wider than the screen", name, look.suffix, over)
		}
	}
}
