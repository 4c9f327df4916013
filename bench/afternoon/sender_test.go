package afternoon

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/jet/natsbench"
	"github.com/postrider/postrider/transport/signature"
)

// received is what a receiver saw.
type received struct {
	header http.Header
	body   []byte
}

// On a real server: an event reaches everybody who wants its type, with a
// signature that holds.
func TestDeliversToWhoWantsIt(t *testing.T) {
	s, err := natsbench.Serve(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nc, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()

	var mu sync.Mutex
	got, all := map[string]received{}, make(chan struct{}, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		got[r.URL.Path] = received{r.Header.Clone(), body}
		mu.Unlock()
		all <- struct{}{}
	}))
	defer receiver.Close()

	const secret = "postrider-bench-protects-nothing"
	const standard = "whsec_cG9zdHJpZGVyLWJlbmNoLXByb3RlY3RzLW5vdGhpbmc="
	in, tell := io.Pipe()
	told, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Main(t.Context(), nc, natsbench.Stream, in, out) }()
	for _, e := range []Endpoint{
		{URL: receiver.URL + "/genlogs", Events: []string{"a.b", "c"}, Format: "genlogs", Secret: secret},
		{URL: receiver.URL + "/standard", Events: []string{"a.b"}, Format: "standard", Secret: standard},
		{URL: receiver.URL + "/raw", Events: []string{"a.b"}, Secret: secret},
		{URL: receiver.URL + "/genea", Events: []string{"a.b"}, Format: "genea", Secret: secret},
		{URL: receiver.URL + "/other", Events: []string{"c"}, Secret: secret},
	} {
		if err := json.NewEncoder(tell).Encode(e); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len("added\n"))
		if _, err := io.ReadFull(told, answer); err != nil || string(answer) != "added\n" {
			t.Fatalf("%q, %v", answer, err)
		}
	}

	client, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const doc = `{"n":1}`
	stored := make(chan error, 1)
	if err := client.PublishAsync("events.acme.a.b", "id-1", []byte(doc), func(err error) { stored <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	for range 4 {
		<-all
	}
	if err := tell.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	for path, c := range map[string]struct{ scheme, secret, part string }{
		"/genlogs":  {"genlogs", secret, `"event":"a.b"`},
		"/standard": {"standard", standard, `"type":"a.b"`},
		"/raw":      {"genlogs", secret, doc},
		"/genea":    {"sequr", secret, doc},
	} {
		v, err := signature.NewVerifier(signature.Config{Scheme: c.scheme}, []string{c.secret}, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := got[path]
		if r.header.Get("Webhook-Id") != "id-1" || !bytes.Contains(r.body, []byte(c.part)) || !bytes.Contains(r.body, []byte(doc)) {
			t.Errorf("%s got %v, %s", path, r.header, r.body)
		}
		if err := v.Verify(r.header, r.body, time.Now()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %d requests", len(got))
	}
}

func TestRefusesWhatIsNoEndpoint(t *testing.T) {
	err := New().listen(strings.NewReader("nonsense\n"), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "an endpoint") {
		t.Errorf("got %v", err)
	}
}
