//go:build unix

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pairOfNodes are two nodes at one external NATS server, with an ordered endpoint.
type pairOfNodes struct {
	nats *natsProcess
	a, b *testNode
	w    *witness

	mu  sync.Mutex
	ids []string // in order of arrival
}

func newPairOfNodes(t *testing.T) *pairOfNodes {
	p := &pairOfNodes{nats: newNATS(t, true)}
	p.nats.start()
	env := append(slices.Clone(hardy), "POSTRIDER_NATS_URL="+p.nats.url(),
		"POSTRIDER_MASTER_KEY="+strings.Repeat("0123456789abcdef", 4), "POSTRIDER_AUTH_SECRET="+strings.Repeat("0123456789abcdef", 2))
	p.a, p.b = newTestNode(t, env...), newTestNode(t, env...)
	p.w = newWitness(t, func(_, id string, _ int) int {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ids = append(p.ids, id)
		return http.StatusOK
	})
	p.a.start()
	p.b.launch()
	p.b.await("the second node to stand by", p.b.standsBy)
	p.a.must("", "endpoint", "add", "--customer", "acme", "--url", p.w.url+"/a", "--secret", faultSecret, "--ordered")
	return p
}

// standsBy: a load balancer sends it nothing, and it is fit to take over.
func (n *testNode) standsBy() bool {
	status, body := n.get("/readyz")
	fit, _ := n.get("/readyz?standby=ok")
	return status == http.StatusServiceUnavailable && strings.Contains(string(body), "stands by") && fit == http.StatusOK
}

func (p *pairOfNodes) publish(n *testNode, events int) {
	lines := ""
	for i := range events {
		lines += fmt.Sprintf("{\"n\":%d}\n", i)
	}
	n.must(lines, "publish", "events.acme.one.two", "--lines", "--nats-url", p.nats.url())
}

func (p *pairOfNodes) arrived() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ids)
}

// judge tells how many events arrived, how often one came again, and how many
// came for the first time behind a later one.
func (p *pairOfNodes) judge(t *testing.T) (events, repeated, late int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, highest := map[string]bool{}, 0
	for _, id := range p.ids {
		seq, err := strconv.Atoi(strings.TrimPrefix(id, "EVENTS-"))
		if err != nil {
			t.Fatalf("%q is no id of the log", id)
		}
		switch {
		case seen[id]:
			repeated++
		case seq < highest:
			late++
		}
		seen[id], highest = true, max(highest, seq)
	}
	return len(seen), repeated, late
}

// until waits until so many events have arrived.
func (p *pairOfNodes) until(t *testing.T, n *testNode, events int) {
	n.await(fmt.Sprint(events, " events to arrive"), func() bool {
		got, _, _ := p.judge(t)
		return got >= events
	})
}

const (
	orderedEvents = 3000
	killed        = "killed"
)

// Two nodes at one NATS server are an owner and a stand-by: everything arrives
// once, in order, as with one.
func TestTwoNodesAreAnOwnerAndAStandby(t *testing.T) {
	t.Parallel()
	p := newPairOfNodes(t)
	p.publish(p.a, orderedEvents)
	p.until(t, p.a, orderedEvents)
	if events, repeated, late := p.judge(t); events != orderedEvents || repeated != 0 || late != 0 {
		t.Errorf("%d events, %d repeated, %d behind a later one", events, repeated, late)
	}
	for n, role := range map[*testNode]string{p.a: "owner", p.b: "standby"} {
		var info struct {
			Role  string
			Owner struct {
				Node  string
				Epoch int
			}
		}
		if status, text := n.call(http.MethodGet, "/v1/info", "", &info); status != http.StatusOK || info.Role != role || info.Owner.Epoch != 1 {
			t.Errorf("of the %s: %d %s", role, status, text)
		}
	}
	if status, text := p.b.call(http.MethodGet, "/v1/endpoints", "", nil); status != http.StatusServiceUnavailable || !strings.Contains(text, "STANDBY") {
		t.Errorf("the stand-by's API: %d %s", status, text)
	}
	out, _ := p.b.run("", "doctor", "--nats-url", p.nats.url())
	if !strings.Contains(out, "owns the shard") || !strings.Contains(out, "standing by") {
		t.Errorf("doctor says\n%s", out)
	}
	p.a.settledAudit()
	p.b.terminate()
	p.a.terminate()
}

// An owner that is drained hands its shard over, in the middle of an ordered
// endpoint's events: the stand-by delivers the rest at once, nothing twice, and the
// drained node tells what it is until it is started again.
func TestADrainedOwnerHandsItsShardOver(t *testing.T) {
	t.Parallel()
	p := newPairOfNodes(t)
	p.publish(p.a, orderedEvents)
	p.until(t, p.a, orderedEvents/3)
	if out := p.a.must("", "drain", "--wait", "3m"); !strings.Contains(out, "drained, 0 in hand") {
		t.Errorf("drained: %s", out)
	}
	p.until(t, p.b, orderedEvents)
	if events, repeated, late := p.judge(t); events != orderedEvents || repeated != 0 || late != 0 {
		t.Errorf("%d events, %d repeated, %d behind a later one", events, repeated, late)
	}
	p.b.await("the stand-by to be ready as the owner", func() bool { status, _ := p.b.get("/readyz"); return status == http.StatusOK })
	if status, body := p.a.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(string(body), "handed its shard over") {
		t.Errorf("/readyz of the drained node: %d %s", status, body)
	}
	if status, _ := p.a.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz of the drained node: %d", status)
	}
	if out := p.a.must("", "drain", "-o", "json"); !strings.Contains(out, `"shards": []`) {
		t.Errorf("once more: %s", out)
	}
	if _, body := p.a.get("/metrics"); !strings.Contains(string(body), "postrider_draining 1") {
		t.Error("the metric does not tell of the drain")
	}
	if status, text := p.a.call(http.MethodGet, "/v1/nodes", "", nil); status != http.StatusOK || !strings.Contains(text, `"state":"drained"`) {
		t.Errorf("/v1/nodes: %d %s", status, text)
	}
	p.b.settledAudit()
	p.a.terminate()
	p.a.launch()
	p.a.await("it to stand by when it is started again", p.a.standsBy)
	p.a.terminate()
	p.b.terminate()
}

// The owner is killed with kill -9, or stopped in good order, in the middle of an
// ordered endpoint's events: the stand-by delivers the rest, in order. After a kill
// what had arrived and was not journaled yet comes again.
func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testNode){
		killed: func(n *testNode) { n.kill() }, "stopped": func(n *testNode) { n.terminate() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPairOfNodes(t)
			p.publish(p.a, orderedEvents)
			p.until(t, p.a, orderedEvents/3)
			end(p.a)
			gone, had := time.Now(), p.arrived()
			p.b.await("the stand-by to deliver", func() bool { return p.arrived() > had })
			t.Logf("the owner %s: the stand-by delivered after %s", name, time.Since(gone))
			p.until(t, p.b, orderedEvents)
			events, repeated, late := p.judge(t)
			if events != orderedEvents || late != 0 || repeated != 0 && name != killed {
				t.Errorf("%d events, %d repeated, %d behind a later one", events, repeated, late)
			}
			t.Logf("the owner %s: %d repeated", name, repeated)
			p.b.awaitReady()
			p.b.settledAudit()
			p.b.terminate()
		})
	}
}

// An owner that is frozen loses the shard. Woken, its journal writes are refused
// and counted, it sends nothing more, and stands by for the other.
func TestAFrozenOwnerIsDeposed(t *testing.T) {
	t.Parallel()
	p := newPairOfNodes(t)
	p.publish(p.a, orderedEvents)
	p.until(t, p.a, orderedEvents/3)
	signal := func(s syscall.Signal) {
		if err := p.a.proc.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	frozen := time.Now()
	p.b.awaitReady()
	t.Logf("the owner was frozen: the stand-by was ready after %s", time.Since(frozen))
	p.until(t, p.b, orderedEvents*2/3)
	signal(syscall.SIGCONT)
	p.a.await("the woken node to stand by", p.a.standsBy)
	if _, metrics := p.a.get("/metrics"); !strings.Contains(string(metrics), "\npostrider_shard_owner 0\n") ||
		strings.Contains(string(metrics), "\npostrider_guarded_writes_refused_total 0\n") {
		t.Errorf("nothing was refused, or it owns the shard:\n%s", metrics)
	}
	p.publish(p.b, 100)
	p.until(t, p.b, orderedEvents+100)
	// What was under way, or past its check, as it froze may come late: one request.
	events, repeated, late := p.judge(t)
	if events != orderedEvents+100 || late > 1 {
		t.Errorf("%d events, %d repeated, %d behind a later one", events, repeated, late)
	}
	t.Logf("%d repeated, %d behind a later one", repeated, late)
	p.b.settledAudit()
	p.b.terminate()
	p.a.awaitReady() // it takes over again
	p.a.terminate()
}
