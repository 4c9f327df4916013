package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// folderSettings are those that the folders were made with.
var folderSettings = append([]string{"POSTRIDER_EVENTS_KEEP=87600h", "POSTRIDER_ATTEMPTS_KEEP=87600h", "POSTRIDER_DETECTIONS_KEEP=87600h"}, hardy...)

// folderSecret signs for all endpoints of testdata/folders.
const folderSecret = "kept from before to now"

// A data folder that a version before wrote is opened: what waited arrives,
// signed and in order, what was delivered does not come again, the dead letter
// can be replayed, an alert goes on where it was, and new events are delivered.
func TestAFolderOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("testdata/folders/*.tar.gz")
	if err != nil || len(folders) == 0 {
		t.Fatal("no folders", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			n, r := newTestNode(t, folderSettings...), newPathReceiver(t)
			unpack(t, folder, n.data())
			n.start()
			n.moveEndpoints(r.URL)
			for _, path := range []string{"/away", "/ordered", "/paused"} {
				n.await("what waited at "+path, func() bool { return len(r.ids(path, "kept-")) == 3 })
			}
			n.runAlerts()
			n.await("the match that was not run yet", func() bool { return r.told("/well", "https://example.com/3") })
			n.must("", "deadletter", "replay", n.onlyLetter())
			n.await("the replay", func() bool { return len(r.ids("/never", "kept-badge")) == 1 })
			n.must(`{"parcel":4}`, "publish", "events.acme.parcel.lost", "-", "--id", "now-1", "--nats-url", "nats://"+n.nats)
			for _, path := range []string{"/well", "/away", "/ordered", "/paused"} {
				n.await("a new event at "+path, func() bool { return len(r.ids(path, "now-")) == 1 })
			}
			n.settledAudit()
			if got := r.ids("/ordered", ""); !slices.Equal(got, []string{"kept-1", "kept-2", "kept-3", "now-1"}) {
				t.Errorf("in order are %v", got)
			}
			if got := r.ids("/well", "kept-"); got != nil {
				t.Errorf("%v were delivered before, and came again", got)
			}
			if r.told("/well", "https://example.com/1") {
				t.Error("a match of a run before came again")
			}
			r.verified(t)
			n.await("the delivery log to tell of the first event's", func() bool { // it follows the journal
				return len(n.logged("event=kept-1&status=delivered").Items) == 4
			})
			n.terminate()
		})
	}
}

// onlyLetter is the id of the one dead letter there is.
func (n *testNode) onlyLetter() string {
	n.t.Helper()
	var list struct{ Items []struct{ ID json.Number } }
	if status, text := n.call(http.MethodGet, "/v1/deadletters", "", &list); status != http.StatusOK || len(list.Items) != 1 {
		n.t.Fatalf("%d %s", status, text)
	}
	return list.Items[0].ID.String()
}

// moveEndpoints points every endpoint at base, keeping its path, and has it
// begin anew: what waits for it comes at once.
func (n *testNode) moveEndpoints(base string) {
	n.t.Helper()
	var list struct{ Items []struct{ ID, URL string } }
	if status, text := n.call(http.MethodGet, "/v1/endpoints", "", &list); status != http.StatusOK || len(list.Items) == 0 {
		n.t.Fatalf("%d %s", status, text)
	}
	for _, ep := range list.Items {
		n.must("", "endpoint", "pause", ep.ID)
		n.must("", "endpoint", "edit", ep.ID, "--url", base+strings.TrimPrefix(ep.URL, "http://127.0.0.1:1"))
		n.must("", "endpoint", "resume", ep.ID)
	}
}

// pathReceiver keeps what came at each path, in order.
type pathReceiver struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string][]delivered
	bad []string
}

type delivered struct{ id, body string }

func newPathReceiver(t *testing.T) *pathReceiver {
	r := &pathReceiver{got: map[string][]delivered{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *pathReceiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	err = signature.Verify(signature.Config{Scheme: "genlogs"}, folderSecret, req.Header, body, time.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.bad = append(r.bad, err.Error())
	}
	r.got[req.URL.Path] = append(r.got[req.URL.Path], delivered{req.Header.Get("webhook-id"), string(body)})
}

// ids are of the events that came, those that begin with prefix.
func (r *pathReceiver) ids(path, prefix string) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.got[path] {
		if strings.HasPrefix(d.id, prefix) {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// told tells whether text was in one of the bodies.
func (r *pathReceiver) told(path, text string) bool {
	quoted, _ := json.Marshal(text) // a text always has a JSON form
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.got[path], func(d delivered) bool { return strings.Contains(d.body, string(quoted)) })
}

func (r *pathReceiver) verified(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, bad := range r.bad {
		t.Errorf("a signature did not hold: %s", bad)
	}
}

// unpack writes a packed folder's files below to.
func unpack(t *testing.T, packed, to string) {
	t.Helper()
	f, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := io.ReadAll(files)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
