package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport/api"
)

// addAlert adds an alert of acme by the API and gives its id.
func (n *testNode) addAlert(name, alertType, plate string) string {
	n.t.Helper()
	var made struct{ ID string }
	body := fmt.Sprintf(`{"customer":"acme","alert_name":%q,"email":"a@example.com","alert_type":%q,"license_plate":%q}`, name, alertType, plate)
	if status, text := n.call(http.MethodPost, "/alerts", body, &made); status != http.StatusCreated {
		n.t.Fatalf("adding an alert: %d %s", status, text)
	}
	return made.ID
}

// runAlerts runs acme's alerts and waits for their end.
func (n *testNode) runAlerts() (answer api.Run) {
	n.t.Helper()
	if status, text := n.call(http.MethodPost, "/alerts/run", `{"customer":"acme","wait":true}`, &answer); status != http.StatusOK {
		n.t.Fatalf("running alerts: %d %s", status, text)
	}
	return answer
}

// camera publishes detections at the node's listener, and knows which are stored.
type camera struct {
	t    *testing.T
	nc   *nats.Conn
	js   jetstream.JetStream
	next int
	seen map[string]string // plate by detection, those that are stored
	mu   sync.Mutex
}

func newCamera(t *testing.T, n *testNode) *camera {
	t.Helper()
	nc, err := nats.Connect("nats://"+n.nats, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return &camera{t: t, nc: nc, js: js, seen: map[string]string{}}
}

// see publishes a detection until it is stored: a repeat has the same id.
func (c *camera) see(plate string, until <-chan struct{}) {
	c.next++
	id := fmt.Sprintf("https://example.com/%d", c.next)
	m := nats.NewMsg("detections.i45")
	m.Header.Set("Nats-Msg-Id", id)
	m.Data = fmt.Appendf(nil, `{"id":"%d","license_plate":%q,"result_url":%q,"city":"Houston"}`, c.next, plate, id)
	for {
		if _, err := c.js.PublishMsg(c.t.Context(), m); err == nil {
			c.mu.Lock()
			c.seen[id] = plate
			c.mu.Unlock()
			return
		}
		select {
		case <-until:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// reported gives how often each detection was reported, by alert and address,
// in different events.
func (i *inbox) reported(t *testing.T) map[string]int {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	counts := map[string]int{}
	for _, body := range i.bodies {
		var payload struct {
			Event   string
			Matches []matching.Match
		}
		if err := json.Unmarshal(body, &payload); err != nil || payload.Event != "alert.matches_found" {
			t.Fatalf("%v: %s", err, body)
		}
		for _, m := range payload.Matches {
			counts[m.AlertName+" "+m.ResultURL]++
		}
	}
	return counts
}

// From detections at the listener to one signed payload of all matches; live
// ones at once, hot and normal ones in one when they run by hand; a run without matches sends nothing.
func TestAlertsFromCameraToReceiver(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t, "POSTRIDER_LINKS_FRONT_VIEW_URL=https://example.com/front/{id}"), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", "alert.>", "--secret", waySecret)
	n.addAlert("hot", "hot", "AAA-111")
	n.addAlert("normal", "normal", "CCC333")
	n.addAlert("live", "live", "BBB222")
	n.byHand()
	cam := newCamera(t, n)
	began := time.Now()
	cam.see("BBB222", nil)
	n.await("the live match", func() bool { ids, _ := box.count(); return ids == 1 })
	t.Logf("a live match arrived %s after its detection was published", time.Since(began))

	for _, plate := range []string{"AAA111", "DDD444", "aaa 111", "CCC333", "AAA111"} {
		cam.see(plate, nil)
	}
	run := n.runAlerts()
	n.await("the matches of both in one", func() bool { ids, _ := box.count(); return ids == 2 })
	n.runAlerts() // nothing new: nothing is sent
	if run.Status != "finished" || run.AlertType != "summary" || run.TotalMatches != 4 || run.Detections != 6 || run.Alerts != 2 {
		t.Errorf("%+v", run)
	}
	var shown api.ShownRun
	if status, text := n.call(http.MethodGet, "/v1/runs/"+run.ID, "", &shown); status != http.StatusOK || shown.Report == nil {
		t.Errorf("run %s: %d %s", run.ID, status, text)
	}
	var list api.RunList
	if status, text := n.call(http.MethodGet, "/v1/runs?customer=acme", "", &list); status != http.StatusOK || len(list.Items) != 3 {
		t.Errorf("%d runs: %d %s", len(list.Items), status, text)
	}
	box.verified(t)
	if ids, all := box.count(); ids != 2 || all != 2 {
		t.Errorf("%d events, %d deliveries", ids, all)
	}
	for id, body := range box.bodies {
		if id == run.ID && (strings.Count(string(body), `"alert_name":"normal"`) != 2 || strings.Count(string(body), `"alert_name":"hot"`) != 4 || !strings.Contains(string(body), `"front_view_url":"https://example.com/front/2"`) || !strings.Contains(string(body), `"customer_id":1,`)) {
			t.Errorf("%s", body)
		}
	}
	n.terminate()
}

// move changes an alert's type; a node that is away is asked again later.
func (n *testNode) move(id, alertType string) {
	n.call(http.MethodPatch, "/alerts/"+id, fmt.Sprintf(`{"alert_type":%q}`, alertType), nil)
}

// kill -9 in the middle of runs again and again, two runs at once, an alert
// that moves from type to type, Redis killed and its memory lost: each
// detection is reported to its alert in one event and no other.
func TestNoMatchIsLostOrRepeatedByKill9(t *testing.T) {
	const kills = 8
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	redis := newRedis(t)
	redis.start()
	n := newTestNode(t, "POSTRIDER_REDIS_URL=redis://"+redis.addr)
	box := newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", "alert.>", "--secret", waySecret)
	names := map[string]string{"AAA111": "hot", "BBB222": "live", "CCC333": "moves"}
	n.addAlert("hot", "hot", "AAA111")
	n.addAlert("live", "live", "BBB222")
	moves := n.addAlert("moves", "normal", "CCC333")

	cam, stop := newCamera(t, n), make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		plates := append(slices.Sorted(maps.Keys(names)), "DDD444")
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				cam.see(plates[i%len(plates)], stop)
			}
		}
	})
	token := n.token()
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				req, err := http.NewRequest(http.MethodPost, "http://"+n.http+"/alerts/run", strings.NewReader(`{"customer":"acme"}`))
				if err != nil {
					panic(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}
		}
	})
	for i := range kills {
		time.Sleep(time.Duration(100+random.IntN(700)) * time.Millisecond) // the fault's own timing, not a wait for anything
		n.move(moves, []string{"hot", "live", "normal"}[i%3])
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // as before
		if i == kills/2 {                                              // Redis loses all it knew
			redis.kill()
			lose(t, redis.dir)
			redis.start()
		}
		n.kill()
		n.start()
	}
	close(stop)
	load.Wait()
	missing := func() (list []string) {
		reported := box.reported(t)
		cam.mu.Lock()
		defer cam.mu.Unlock()
		for id, plate := range cam.seen {
			if key := names[plate] + " " + id; names[plate] != "" && reported[key] == 0 {
				list = append(list, key)
			}
		}
		return list
	}
	n.await("all matches", func() bool {
		n.call(http.MethodPost, "/alerts/run", `{"customer":"acme","wait":true}`, nil)
		return len(missing()) == 0
	})
	n.runAlerts()
	for key, times := range box.reported(t) {
		if times != 1 {
			t.Errorf("%s was reported in %d events", key, times)
		}
	}
	box.verified(t)
	events, deliveries := box.count()
	t.Logf("%d kills (seed %d): %d detections stored, all reported once in %d events, %d deliveries", kills, seed, len(cam.seen), events, deliveries)
	n.terminate()
}

// lose empties a folder.
func lose(t *testing.T, dir string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// While Redis is away runs wait, and the node says so; then they go on.
func TestRunsWaitForRedis(t *testing.T) {
	t.Parallel()
	redis := newRedis(t)
	redis.start()
	n, box := newTestNode(t, "POSTRIDER_REDIS_URL=redis://"+redis.addr), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", "alert.>", "--secret", waySecret)
	n.addAlert("hot", "hot", "AAA111")
	cam := newCamera(t, n)
	cam.see("AAA111", nil)
	n.runAlerts()
	n.await("a match", func() bool { ids, _ := box.count(); return ids == 1 })

	redis.kill()
	cam.see("AAA111", nil)
	var answer api.Run
	if status, text := n.call(http.MethodPost, "/alerts/run", `{"customer":"acme","alert_type":"hot"}`, &answer); status != http.StatusAccepted ||
		answer.Status != "waiting" || answer.Reason != "Redis, which keeps how far runs have come, is not available" {
		t.Errorf("%d %s", status, text)
	}
	out, code := n.run("", "alert", "run", "--customer", "acme", "--wait")
	if code != 1 || strings.Contains(out, "accepted") {
		t.Errorf("exit %d: %s", code, out)
	}
	n.await("/readyz to name runs", func() bool {
		status, body := n.get("/readyz")
		return status == http.StatusOK && strings.Contains(string(body), `"runs"`)
	})
	if ids, _ := box.count(); ids != 1 {
		t.Errorf("%d events without Redis", ids)
	}
	redis.start()
	n.await("the run to go on", func() bool { ids, _ := box.count(); return ids == 2 })
	n.await("the node to be whole", func() bool {
		_, body := n.get("/readyz")
		return !strings.Contains(string(body), "missing")
	})
	if run := n.runAlerts(); run.TotalMatches != 0 {
		t.Errorf("%+v: matched before", run)
	}
	n.terminate()
}
