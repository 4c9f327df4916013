package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestASignInCodeIsGoodOnce(t *testing.T) {
	s, other := newSignInCode(), newSignInCode()
	code := s.code
	if len(code) < 20 || code == other.code {
		t.Fatalf("%q, %q", code, other.code)
	}
	for _, wrong := range []string{"", other.code, code + "x"} {
		if s.take(wrong) {
			t.Errorf("%q was taken", wrong)
		}
	}
	if !s.take(code) || s.take(code) || s.take("") {
		t.Error("it is not good exactly once")
	}
}

// A proxy may pass its prefix on, or take it off.
func TestBelowAPrefix(t *testing.T) {
	h := below("/hooks", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	for path, want := range map[string]string{"/hooks/ui/": "/ui/", "/ui/": "/ui/", "/hooks/v1/endpoints": "/v1/endpoints", "/hooksy": "/hooksy"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Body.String() != want {
			t.Errorf("%s is %s, want %s", path, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/hooks", nil))
	if to := w.Header().Get("Location"); w.Code != http.StatusMovedPermanently || to != "/hooks/" {
		t.Errorf("the prefix without its slash: %d %q", w.Code, to)
	}
}
