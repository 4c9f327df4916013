package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func page(t *testing.T, o Options, path string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestEveryViewIsThePage(t *testing.T) {
	for _, path := range []string{"/ui/", "/ui/webhooks", "/ui/webhooks/0199c3a0", "/ui/deliveries?status=503", "/ui/index.html", "/ui/../etc/passwd", "/ui/a.b"} {
		w := page(t, Options{Version: "v1"}, path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `<div id="app"`) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

// Nothing inline, nothing foreign: as the policy says, and as the page is.
func TestThePolicyHasNoException(t *testing.T) {
	w := page(t, Options{ImageHosts: []string{"https://images.example.com"}}, "/ui/")
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: https://images.example.com; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for _, pattern := range []string{`<style`, ` style=`, ` on[a-z]+=`, `https?://`, `<script(?:[^>]*)>[^<{]`} {
		body := regexp.MustCompile(`(?s)(id="settings">).*?(</script>)`).ReplaceAllString(w.Body.String(), "$1$2") // what is told is no code
		if found := regexp.MustCompile(pattern).FindString(body); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
}

func TestThePageBehindAPrefix(t *testing.T) {
	body := page(t, Options{Base: "/hooks", Version: `v1</script><script>alert(1)`, Dev: true}, "/ui/").Body.String()
	if !strings.Contains(body, `"/hooks/ui/assets/main-`) || strings.Contains(body, `"/ui/assets/`) {
		t.Error(body)
	}
	told := regexp.MustCompile(`(?s)<script type="application/json" id="settings">(.*?)</script>`).FindStringSubmatch(body)
	var s settings
	if told == nil || json.Unmarshal([]byte(told[1]), &s) != nil || s.Base != "/hooks" || !s.Dev || s.Version != `v1</script><script>alert(1)` {
		t.Errorf("%v %+v", told, s)
	}
}

func TestAssetsAreKept(t *testing.T) {
	names, err := fs.Glob(dist, "dist/assets/main-*")
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		w := page(t, Options{}, "/ui/"+strings.TrimPrefix(name, "dist/"))
		kind := w.Header().Get("Content-Type")
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(kind, "text/") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	for _, name := range names { // most browsers take them packed
		h, err := Handler(Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, w := httptest.NewRequest("GET", "/ui/"+strings.TrimPrefix(name, "dist/"), nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", "gzip, deflate, br")
		h.ServeHTTP(w, r)
		plain, err := fs.ReadFile(dist, name)
		if err != nil {
			t.Fatal(err)
		}
		unpack, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := io.ReadAll(unpack); err != nil || !bytes.Equal(got, plain) || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v %v", name, err, w.Header())
		}
	}
	if w := page(t, Options{}, "/ui/assets/main-OLD.js"); w.Code != 404 {
		t.Errorf("an asset of another version: %d", w.Code)
	}
}
