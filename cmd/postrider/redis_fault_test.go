package main

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

// redisProcess is a real redis-server on a fixed port and folder, which keeps
// what it has answered.
type redisProcess struct {
	t    *testing.T
	addr string
	dir  string
	cmd  *exec.Cmd
}

func newRedis(t *testing.T) *redisProcess {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is missing: `make test` installs it")
	}
	r := &redisProcess{t: t, addr: porttest.Address(t), dir: t.TempDir()}
	t.Cleanup(r.kill)
	return r
}

func (r *redisProcess) start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cmd = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// kill is kill -9.
func (r *redisProcess) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// metric reads one figure without labels.
func (n *testNode) metric(name string) float64 {
	n.t.Helper()
	_, body := n.get("/metrics")
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(body)
	if found == nil {
		return -1
	}
	v, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return v
}

// redisMissing tells whether a node that is ready says that Redis is away.
func (n *testNode) redisMissing() bool {
	status, body := n.get("/readyz")
	return status == http.StatusOK && strings.Contains(string(body), "redis")
}

func (n *testNode) publishOne(id string) {
	n.t.Helper()
	if status := n.tryPublishing(id); status != http.StatusAccepted {
		n.t.Fatalf("publishing %s: %d", id, status)
	}
}

func (n *testNode) tryPublishing(id string) (status int) {
	body := fmt.Sprintf(`{"customer":"acme","type":"one.event","id":%q,"data":{}}`, id)
	status, text := n.call(http.MethodPost, "/v1/events", body, nil)
	if status != http.StatusAccepted {
		n.t.Logf("publishing %s: %d %s", id, status, text)
	}
	return status
}

// localWindow is the least that can be set.
const localWindow = time.Second

// Redis remembers ids for longer than the node does; killed under load it
// costs that memory alone, and the node says so; started again it is used again.
func TestRedisComesAndGoes(t *testing.T) {
	t.Parallel()
	redis := newRedis(t)
	redis.start()
	n := newTestNode(t, "POSTRIDER_REDIS_URL=redis://"+redis.addr, "POSTRIDER_DEDUP_LOCAL="+localWindow.String(), "POSTRIDER_DEDUP_REDIS=1h")
	w := newWitness(t, always200)
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	n.await("Redis to be seen", func() bool { return !n.redisMissing() && n.metric("postrider_ledger_fallback") == 0 })
	errorsBefore := max(0, n.metric("postrider_ledger_errors_total"))

	n.publishOne("again")
	n.await("its delivery", func() bool { return w.times("/a again") == 1 })
	time.Sleep(localWindow + 200*time.Millisecond) // the node's own memory ends
	n.publishOne("again")
	n.await("the duplicate to be skipped", func() bool { a, _ := n.audit(); return a.Duplicates == 1 })

	load := startPacedLoad(n, 10*time.Millisecond)
	n.await("500 deliveries", func() bool { return w.pairs() > 500 })
	redis.kill()
	n.await("/readyz to name Redis", n.redisMissing)
	if got := n.metric("postrider_ledger_fallback"); got != 1 {
		t.Errorf("ledger_fallback is %v", got)
	}
	before := w.pairs()
	n.await("deliveries to go on", func() bool { return w.pairs() > before+500 })
	fellBack, failed := n.metric("postrider_ledger_fallback_events_total"), n.metric("postrider_ledger_errors_total")-errorsBefore
	if fellBack < 500 || failed < 1 {
		t.Errorf("%v events fell back, %v calls failed", fellBack, failed)
	}
	time.Sleep(localWindow + 200*time.Millisecond) // the node's own memory ends
	n.publishOne("again")                          // Redis alone knew it: a duplicate gets through, nothing is lost
	n.await("the duplicate to get through", func() bool { return w.times("/a again") == 2 })

	redis.start()
	n.await("Redis to be used again", func() bool { return !n.redisMissing() && n.metric("postrider_ledger_fallback") == 0 })
	accepted := load.stop()
	n.await("all that was accepted to arrive", func() bool { return w.missing("/a", accepted) == 0 })
	settled := n.metric("postrider_ledger_fallback_events_total")
	n.publishOne("after")
	n.await("its delivery", func() bool { return w.times("/a after") == 1 })
	time.Sleep(localWindow + 200*time.Millisecond) // the node's own memory ends
	n.publishOne("after")
	n.publishOne("again") // known since before the kill
	n.await("the duplicates to be skipped", func() bool { a, _ := n.audit(); return a.Duplicates == 3 })
	n.settledAudit()
	if after, again := w.times("/a after"), w.times("/a again"); after != 1 || again != 2 {
		t.Errorf("delivered %d and %d times", after, again)
	}
	if got := n.metric("postrider_ledger_fallback_events_total"); got != settled {
		t.Errorf("%v events fell back after Redis was there again", got-settled)
	}
	t.Logf("%d events accepted; Redis away: %.0f ids checked by the node alone, %.0f failed calls; answers %v", len(accepted), fellBack, failed, load.statuses)
	n.terminate()
}
