package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// A receiver that says what it was sent gives nobody the endpoint's own values:
// they are masked before the answer is journaled, by HTTP/1.1 and HTTP/2.
func TestAnEchoIsMasked(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		if r.URL.Path == "/long" {
			fmt.Fprint(w, strings.Repeat("x", transport.MaxAnswerKept-10)+r.Header.Get("Authorization"))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"headers": r.Header, "secret": secret})
	})
	own := func(ep *transport.Endpoint) {
		ep.Headers = map[string]string{"Authorization": "Bearer <0123456789>/x", "X-Door": "key-of-${event.data.door}"}
		ep.Secrets.Previous = "the secret before this one"
	}
	ca := newAuthority(t)
	secured := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = true }, srv.Config.Handler.ServeHTTP)
	for _, url := range []string{srv.URL, secured.URL} {
		for _, path := range []string{"/", "/long"} {
			target := newTarget(t, newSender(t), url+path, own, trusting(ca.pem))
			a := target.Send(context.Background(), newEvent(), 1)
			for _, value := range []string{"0123456789", "key-of-Main", secret, "Bearer"} {
				if strings.Contains(string(a.Body), value) {
					t.Errorf("%s%s: %s", url, path, a.Body)
				}
			}
			if a.Status != http.StatusTeapot || !strings.Contains(string(a.Body), transport.Masked) || len(a.Body) > transport.MaxAnswerKept {
				t.Errorf("%s%s: %d %s %s", url, path, a.Status, a.Detail, a.Body)
			}
		}
	}
}
