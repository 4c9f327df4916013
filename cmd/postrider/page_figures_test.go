package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// pageScale is how much a node holds while its page is measured.
type pageScale struct {
	customers, endpoints, deliveries int
	rounds                           int
	rate                             int // deliveries a second of the feed
	feed                             time.Duration
}

// fanOut is how many endpoints want each event of the figures.
const fanOut = 10

// scaleOfFigures is PAGE_FIGURES, the feed's length, at full scale; without it a
// short run, so that the suite has it.
func scaleOfFigures(t *testing.T) pageScale {
	text := os.Getenv("PAGE_FIGURES")
	if text == "" {
		return pageScale{customers: 2, endpoints: 40, deliveries: 2_000, rounds: 1, rate: 400, feed: 3 * time.Second}
	}
	feed, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("PAGE_FIGURES is the length of the feed, such as 5m: %v", err)
	}
	scale := pageScale{customers: 100, endpoints: 10_000, deliveries: 1_000_000, rounds: 7, rate: 2_000, feed: feed}
	if os.Getenv("PAGE_FIGURES_OF") == "feed" { // how steady it is does not hang on what is stored
		scale.customers, scale.endpoints, scale.deliveries, scale.rounds = 10, 100, 10_000, 1
	}
	return scale
}

// figure prints one as benchstat reads it.
func figure(name string, n int, pairs ...any) {
	line := fmt.Sprintf("BenchmarkPage/%s\t%d", name, n)
	for i := 0; i < len(pairs); i += 2 {
		line += fmt.Sprintf("\t%.1f %s", pairs[i], pairs[i+1])
	}
	fmt.Println(line)
}

// figures are a full node, and what is measured of it.
type figures struct {
	*testNode
	scale    pageScale
	receiver *httptest.Server
	received atomic.Int64
	sent     int64
	ids      []string // of endpoints
}

// The page with many webhooks and deliveries: how soon it shows something, how
// soon its data, how soon lists answer, and how steady it is under a feed. Wall
// times are told and not judged; what does not hang on the machine is.
func TestPageFigures(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	f := &figures{testNode: newTestNode(t, "POSTRIDER_LOG_MAX_ATTEMPTS=4000000", "POSTRIDER_LOG_LEVEL=warn"), scale: scaleOfFigures(t)}
	f.receiver = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the node may end
		f.received.Add(1)
	}))
	t.Cleanup(f.receiver.Close)
	f.start()
	f.fill()
	f.answers()
	f.views(b)
	f.follow(b)
}

// fill registers the endpoints, of each customer in groups of fanOut that want
// the same type, and has all deliveries made.
func (f *figures) fill() {
	f.t.Helper()
	began := time.Now()
	each := f.scale.endpoints / f.scale.customers
	f.ids = make([]string, f.scale.endpoints)
	var work sync.WaitGroup
	next := atomic.Int64{}
	for range 8 {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < f.scale.endpoints; i = int(next.Add(1)) - 1 {
				var made struct{ ID string }
				body := fmt.Sprintf(`{"customer":"customer-%02d","name":"Webhook %05d","url":"%s/hooks/%d","events":["group%d.>"]}`, i/each, i, f.receiver.URL, i, i%each/fanOut)
				if status, text := f.call("POST", "/v1/endpoints", body, &made); status != http.StatusCreated && status != http.StatusAccepted {
					f.t.Errorf("endpoint %d: %d %s", i, status, text)
					return
				}
				f.ids[i] = made.ID
			}
		})
	}
	work.Wait()
	if f.t.Failed() {
		f.t.FailNow()
	}
	registered := time.Since(began)
	for f.sent < int64(f.scale.deliveries) {
		f.publish(min(500, (f.scale.deliveries-int(f.sent))/fanOut))
		f.awaitFor(10*time.Minute, "the backlog to be small", func() bool { return f.sent-f.received.Load() < 40_000 })
	}
	f.awaitFor(10*time.Minute, "all to be delivered", func() bool { return f.received.Load() >= f.sent })
	f.t.Logf("%d endpoints in %s, %d deliveries in %s", f.scale.endpoints, registered.Round(time.Second), f.sent, (time.Since(began) - registered).Round(time.Second))
}

// publish stores so many events, of each customer and group in turn.
func (f *figures) publish(events int) {
	f.t.Helper()
	groups := f.scale.endpoints / f.scale.customers / fanOut
	var body bytes.Buffer
	body.WriteByte('[')
	for i := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		n := int(f.sent)/fanOut + i
		fmt.Fprintf(&body, `{"customer":"customer-%02d","type":"group%d.happened","data":{"n":%d,"door":"Main entrance","user":"Ada Lovelace"}}`, n%f.scale.customers, n/f.scale.customers%groups, n)
	}
	body.WriteByte(']')
	if status, text := f.call("POST", "/v1/events", body.String(), nil); status != http.StatusAccepted {
		f.t.Fatalf("%d %.300s", status, text)
	}
	f.sent += int64(events * fanOut)
}

// answers measures what the page asks the API for.
func (f *figures) answers() {
	f.t.Helper()
	oldest := f.oldestEvent()
	hundred := strings.Join(f.ids[:min(100, len(f.ids))], ",")
	for _, ask := range [][2]string{
		{"endpoints,trouble", "/v1/endpoints?sort=trouble&counts=true&limit=50"}, {"endpoints,words", "/v1/endpoints?q=webhook+0007&limit=50"},
		{"deliveries", "/v1/deliveries?limit=100"}, {"deliveries,endpoint", "/v1/deliveries?limit=100&endpoint=" + f.ids[0]},
		{"deliveries,none", "/v1/deliveries?limit=100&status=dead_lettered"}, {"deliveries,type", "/v1/deliveries?limit=100&type=group3.>"},
		{"deliveries,oldest-event", "/v1/deliveries?limit=100&event=" + oldest},
		{"series,all", "/v1/series"}, {"series,type", "/v1/series?by=type"}, {"series,100-endpoints", "/v1/series?by=endpoint&step=1h&endpoint=" + hundred},
		{"audit,new", "/v1/audit?lines=0"}, {"audit,of-before", "/v1/audit?lines=0&max_age=1m"}, {"customers,now", "/v1/customers?now=true&limit=50"}, {"deadletters,groups", "/v1/deadletters/groups"},
	} {
		var took []float64
		size := 0
		for range 3 * f.scale.rounds {
			began := time.Now()
			status, text := f.call("GET", ask[1], "", nil)
			took = append(took, float64(time.Since(began).Microseconds())/1000)
			if size = len(text); status != http.StatusOK {
				f.t.Fatalf("%s: %d %s", ask[1], status, text)
			}
		}
		figure("answer="+ask[0], len(took), middle(took), "ms", slices.Max(took), "most-ms", float64(size)/1024, "KiB")
	}
}

// oldestEvent is the id of the first event.
func (f *figures) oldestEvent() string {
	f.t.Helper()
	var list struct {
		Items []struct{ Event struct{ ID string } }
	}
	f.call("GET", "/v1/deliveries?limit=1&to="+time.Now().UTC().Add(-time.Millisecond).Format(time.RFC3339Nano), "", &list)
	if len(list.Items) == 0 {
		f.t.Fatal("no delivery")
	}
	id := list.Items[0].Event.ID // EVENTS-<sequence>, where none was given
	stream, _, _ := strings.Cut(id, "-")
	if strings.HasPrefix(id, stream+"-") && stream != "" {
		return stream + "-1"
	}
	return id
}

func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// observed notes when a view first has its data.
const observed = `new MutationObserver((_, o) => { if (document.querySelector('main tr[data-row], main .sentence')) { window.dataAt = performance.now(); o.disconnect(); } }).observe(document, { childList: true, subtree: true });`

// views opens each with nothing in the browser's cache.
func (f *figures) views(b *browser) {
	f.t.Helper()
	for _, v := range [][2]string{{"overview", "/ui/"}, {"webhooks", "/ui/webhooks"}, {"deliveries", "/ui/deliveries"}, {"operator", "/ui/operator"}, {"deadletters", "/ui/deadletters"}} {
		var paint, data, script []float64
		for range f.scale.rounds {
			p := f.fresh(b)
			p.open(v[1])
			if v[0] == "deadletters" {
				p.see("Nothing was given up")
			} else {
				p.await(v[0], "window.dataAt")
				data = append(data, js[float64](p, "dataAt"))
			}
			p.await("the first paint", "performance.getEntriesByName('first-contentful-paint').length")
			paint = append(paint, js[float64](p, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
			script = append(script, js[float64](p, "performance.getEntriesByType('resource').filter((r) => r.initiatorType === 'script').reduce((n, r) => n + r.encodedBodySize, 0) / 1024"))
			if nodes := js[int](p, "document.querySelectorAll('*').length"); nodes > mostNodes {
				f.t.Errorf("%s: %d elements", v[0], nodes)
			}
			p.close()
		}
		pairs := []any{middle(paint), "first-paint-ms", slices.Max(paint), "most-ms", middle(script), "script-KiB"}
		if data != nil {
			pairs = append(pairs, middle(data), "data-ms")
		}
		figure("view="+v[0], len(paint), pairs...)
	}
}

// fresh is a tab with nothing cached, signed in without having seen the page.
func (f *figures) fresh(b *browser) *tab {
	p := b.tab("http://" + f.http)
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: observed}); err != nil {
		f.t.Fatal(err)
	}
	p.expects("favicon.ico") // of what is no page
	p.open("/healthz")
	signedIn := js[int](p, `fetch('/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token: `+quoted(f.token())+` }) }).then((r) => r.status)`)
	if signedIn != http.StatusOK {
		f.t.Fatalf("signing in: %d", signedIn)
	}
	return p
}
