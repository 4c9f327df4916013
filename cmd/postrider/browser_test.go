package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a chromium with no profile; every tab has cookies of its own.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// chromium is the one that all tests share: each of their tabs has cookies of its own.
var chromium struct {
	once sync.Once
	ctx  context.Context
	err  error
	end  func()
}

// newBrowser gives the shared one. .ci/needs installs it where it is missing.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	chromium.once.Do(func() { chromium.ctx, chromium.end, chromium.err = startChromium() })
	switch {
	case errors.Is(chromium.err, exec.ErrNotFound):
		t.Skip("chromium is not on this machine and .ci/needs could not install it: the web page is NOT tested in a browser")
	case chromium.err != nil:
		t.Fatalf("chromium does not start: %v", chromium.err)
	}
	return &browser{t: t, ctx: chromium.ctx}
}

// endChromium ends it after the last test.
func endChromium() {
	if chromium.end != nil {
		chromium.end()
	}
}

func startChromium() (ctx context.Context, end func(), err error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(patience))
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	end = func() { stop(); endAllocator() }
	if err = chromedp.Do(ctx); err != nil {
		end()
		return nil, nil, err
	}
	return ctx, end, nil
}

// tab is one page of a browser, and what its console said.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	// close ends it before the test does.
	close func()

	mu       sync.Mutex
	faults   []string
	expected []string
}

// tab opens one whose addresses begin with base, such as http://127.0.0.1:8080.
// A console error, a violated policy or a request to elsewhere fails the test.
func (b *browser) tab(base string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &tab{t: b.t, ctx: ctx, base: base, close: cancel}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.faults {
			if !p.wasExpected(f) {
				b.t.Errorf("the browser says: %s", f)
			}
		}
	})
	p.size(1280, 900)
	return p
}

// hear keeps what is wrong.
func (p *tab) hear(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		said, _ := json.Marshal(e.ExceptionDetails)
		fault = fmt.Sprintf("exception: %s", said)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			said, _ := json.Marshal(e.Args)
			fault = fmt.Sprintf("console: %s", said)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			fault = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, p.base+"/") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
			fault = "a request to elsewhere: " + u
		}
	}
	if fault != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = append(p.faults, fault)
	}
}

// expects names what the browser may log, such as "401", without failing the test.
func (p *tab) expects(parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, parts...)
}

// wasExpected: chromium logs every answer of 4xx; which are meant, the test says.
func (p *tab) wasExpected(fault string) bool {
	for _, part := range p.expected {
		if strings.Contains(fault, part) {
			return true
		}
	}
	return false
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// dark has the system prefer a dark page, or a light one.
func (p *tab) dark(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, params); err != nil {
		p.t.Fatal(err)
	}
}

// open goes to a path of the page, such as /ui/webhooks.
func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// grip finds what a user would: by its words, its label, and only if it is shown.
const grip = `
const shown = (e) => e.checkVisibility({ visibilityProperty: true });
const top = () => document.querySelector('dialog[open]') ?? document.body;
const words = (e) => (e.getAttribute('aria-label') ?? e.innerText ?? '').trim();
const byWords = (text) => [...top().querySelectorAll('button,a,summary,[role=option],[role=tab],[role=switch],tr[data-row]')].filter(shown)
	.find((e) => words(e) === text || (e.matches('tr') && words(e).includes(text)));
const byLabel = (text) => [...top().querySelectorAll('input,select,textarea')].filter(shown)
	.find((e) => e.getAttribute('aria-label') === text || e.closest('label')?.querySelector('span')?.innerText.trim() === text || e.closest('label')?.innerText.trim().startsWith(text));
`

// js gives what an expression gives; text, found by grip, may be in it.
func js[T any](p *tab, expression string) T {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[T]("{"+grip+expression+"}", chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// await polls until expression is true: a page has no other signal to wait for.
func (p *tab) await(what, expression string) {
	p.t.Helper()
	limit := time.Now().Add(patience)
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		// A page that is just being left has no answer; the next one has.
		got, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("{"+grip+"!!("+expression+")}"))
		if err == nil && got {
			return
		}
		if time.Now().After(limit) || errors.Is(err, context.Canceled) {
			shown, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
			p.t.Fatalf("waited %s for %s: %v\n%s", patience, what, err, shown)
		}
		<-time.After(pause)
	}
}

// quoted is text as JavaScript writes it.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text always has a JSON form
	}
	return string(b)
}

// see waits until text is shown.
func (p *tab) see(text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%q to be shown", text), "top().innerText.includes("+quoted(text)+")")
}

// click waits until what bears text can be pressed, and presses it.
func (p *tab) click(text string) {
	p.t.Helper()
	found := "byWords(" + quoted(text) + ")"
	p.await(fmt.Sprintf("%q that can be pressed", text), found+" && !"+found+".disabled && ("+found+".click(), true)")
}

// fill types value into the field that has label.
func (p *tab) fill(label, value string) {
	p.t.Helper()
	found := "byLabel(" + quoted(label) + ")"
	p.await(fmt.Sprintf("the field %q", label), found)
	js[bool](p, `const e = `+found+`;
		Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value').set.call(e, `+quoted(value)+`);
		e.dispatchEvent(new Event('input', { bubbles: true }));
		e.dispatchEvent(new Event('change', { bubbles: true })); true`)
}

// has tells whether text is shown now.
func (p *tab) has(text string) bool {
	p.t.Helper()
	return js[bool](p, "top().innerText.includes("+quoted(text)+")")
}

// press strikes keys, one after the other, wherever the focus is.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do(chromedp.KeyEvent(key))
	}
}

// focused is an expression for what has the focus, by its words or its label.
func focused(text string) string {
	q := quoted(text)
	return "(document.activeElement === byWords(" + q + ") || document.activeElement === byLabel(" + q + "))"
}

// tabTo goes on by the tabulator until what bears text has the focus.
func (p *tab) tabTo(text string) {
	p.t.Helper()
	for range 80 {
		if js[bool](p, focused(text)) {
			return
		}
		p.press(kb.Tab)
	}
	p.t.Fatalf("the tabulator does not come to %q; it is at %s", text, js[string](p, "document.activeElement.outerHTML.slice(0, 300)"))
}

// signIn signs the tab in with a token.
func (p *tab) signIn(token string) {
	p.t.Helper()
	p.expects("401 (Unauthorized) " + p.base + "/v1/session")
	p.open("/ui/")
	p.fill("Token", token)
	p.click("Sign in")
	p.await("the page", "document.querySelector('nav.rail')")
}
