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

// pageWorld is a node with something of everything, and each page's address.
type pageWorld struct {
	*testNode
	pages map[string]string
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
	for i := range 12 {
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
	w := &pageWorld{testNode: n, pages: map[string]string{
		"overview": "/", "webhooks": "/webhooks", "webhooks-none": "/webhooks?q=nosuchthing", "webhook-add": "/webhooks?add=1",
		"webhook": "/webhooks/" + ill, "webhook-settings": "/webhooks/" + ill + "?tab=Settings", "webhook-key": "/webhooks/" + ill + "?tab=Key",
		"webhook-test": "/webhooks/" + well + "?tab=Test", "deliveries": "/deliveries", "deliveries-none": "/deliveries?type=no.such",
		"delivery": "/deliveries?open=" + delivery, "deadletters": "/deadletters", "deadletter": "/deadletters?open=" + letter,
		"replays": "/replays?new=1", "alerts": "/alerts", "runs": "/runs", "run": "/runs?open=" + run.ID, "catalogue": "/catalogue",
		"catalogue-type": "/catalogue?open=access.granted", "addresses": "/addresses", "operator": "/operator", "nowhere": "/nowhere",
	}}
	return w
}

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

// settled is true once a page has what it asked for.
const settled = `document.querySelector('main') && document.readyState === 'complete' && !document.querySelector('main[aria-busy]') && document.querySelector('h1')`

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

// violations are what axe finds that is serious or critical, by all its rules
// or by these.
func (p *tab) violations(rules ...string) string {
	p.t.Helper()
	only := ""
	if rules != nil {
		list, _ := json.Marshal(rules) // texts always have a JSON form
		only = `, runOnly: { type: 'rule', values: ` + string(list) + ` }`
	}
	return js[string](p, `(async () => {
		const found = await axe.run(document, { resultTypes: ['violations']`+only+` });
		return found.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
			.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html.slice(0, 160) + ' ' + n.failureSummary.replace(/\s+/g, ' ').slice(0, 240))).join('\n');
	})()`)
}

// looks are how a page is looked at: what a narrow screen shows may be other
// elements, what a dark one shows are the same in other colours.
var looks = []struct {
	suffix string
	width  int64
	dark   bool
	rules  []string // nil: all
}{{"", 1280, false, nil}, {"-dark", 1280, true, ofColours}, {"-narrow", 390, false, nil}, {"-narrow-dark", 390, true, ofColours}}

// ofColours are axe's rules whose verdict hangs on colours.
var ofColours = []string{"color-contrast", "link-in-text-block"}

// otherThanColours are the declarations for dark screens that set no colour, and
// no shadow.
const otherThanColours = `[...document.styleSheets].flatMap((s) => [...s.cssRules])
	.filter((r) => r.media?.mediaText.includes('prefers-color-scheme')).flatMap((r) => [...r.cssRules])
	.flatMap((r) => [...r.style].map((name) => [name, r.style.getPropertyValue(name)]))
	.filter(([name, value]) => !name.startsWith('--') || !CSS.supports('color', value) && !CSS.supports('box-shadow', value))
	.map(([name]) => name).join(' ')`

// Every page, light and dark, wide and narrow: no error in the console, nothing
// that axe calls serious, and nothing wider than the screen.
func TestPageIsAccessible(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newPageWorld(t)
	p := b.tab("http://" + w.http)
	p.signIn(w.token())
	for name, path := range w.pages {
		p.open("/ui" + path)
		p.await(name, settled)
		if other := js[string](p, otherThanColours); other != "" {
			t.Fatalf("%s: a dark screen changes more than colours (%s): all rules must look at it", name, other)
		}
		js[bool](p, axe+"; true")
		for _, look := range looks {
			p.size(look.width, 900)
			p.dark(look.dark)
			p.picture(name + look.suffix)
			if found := p.violations(look.rules...); found != "" {
				t.Errorf("%s%s: %s", name, look.suffix, found)
			}
			if over := js[float64](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s%s is %v pixels wider than the screen", name, look.suffix, over)
			}
		}
	}
}
