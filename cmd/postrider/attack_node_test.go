package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// raw opens a connection to the node and sends what is given, and no more.
func (n *testNode) raw(text string) net.Conn {
	n.t.Helper()
	c, err := net.Dial("tcp", n.http)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, text) // one that was refused may be gone already
	return c
}

func head(method, path, token string, length int, headers ...string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n",
		method, path, token, length, strings.Join(headers, "\r\n"))
}

// ends gives the status of each connection's answer, once all have ended; 0 is
// one that ended without.
func ends(conns []net.Conn) map[int]int {
	statuses, one := map[int]int{}, make(chan int)
	for _, c := range conns {
		go func() {
			status, r := 0, bufio.NewReader(c)
			if answer, err := http.ReadResponse(r, nil); err == nil {
				status = answer.StatusCode
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
			_, _ = io.Copy(io.Discard, r)
			one <- status
		}()
	}
	for range conns {
		statuses[<-one]++
	}
	return statuses
}

// delivers publishes an event by HTTP and waits for its delivery.
func (n *testNode) delivers(w *witness, id string) {
	n.t.Helper()
	n.publishOne(id)
	n.await("the delivery of "+id, func() bool { return w.times("/a "+id) == 1 })
}

// 900 connections announce a body and send none, without a token. The node has
// few descriptors: those for deliveries are kept, and all connections end.
func TestBodiesThatDoNotComeTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"few descriptors": 600, "many": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTestNode(t)
			n.descriptors = limit // its share of 600 is 150, of which one address has 37
			w := newWitness(t, always200)
			n.start()
			n.addEndpoint(w.url+"/a", ">")
			n.delivers(w, "before")
			var conns []net.Conn
			for range 900 {
				conns = append(conns, n.raw(head("POST", "/v1/endpoints", "none", 200_000)))
			}
			// By NATS: at the API this address has no more room where it is small.
			publishRaw(t, n.nats, "events.acme.meanwhile", `{}`)
			n.await("the delivery meanwhile", func() bool { return w.pairs() == 2 })
			statuses := ends(conns)
			if statuses[401]+statuses[503]+statuses[0] != 900 || statuses[401] == 0 {
				t.Errorf("answered %v", statuses)
			}
			refused := int(n.metric(`postrider_connections_refused_total{bound="address",listener="http"}`))
			if limit > 0 {
				if refused == 0 || !strings.Contains(n.proc.out.String(), "connections are refused") || !strings.Contains(n.proc.out.String(), "http.connections is lowered") {
					t.Errorf("%d refused; the log says %s", refused, n.proc.out.String())
				}
			} else if statuses[401] != 900 {
				t.Errorf("answered %v", statuses)
			}
			n.delivers(w, "after")
			t.Logf("900 connections: answered %v, refused %d", statuses, refused)
			n.terminate()
		})
	}
}

// Requests of 64 MiB are announced by a token that may not publish, and one
// that may sends a byte of each: others publish meanwhile.
func TestAnnouncedBytesAreNotReserved(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	w := newWitness(t, always200)
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	roleless := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", "external-api-get-webhook-list"))
	publisher := strings.TrimSpace(n.must("", "token", "--customer", "umbrella", "--role", "publish-events"))
	var without, with []net.Conn
	for i := range 20 {
		key := "Idempotency-Key: k-" + strconv.Itoa(i) + "\r\n"
		without = append(without, n.raw(head("POST", "/v1/events", roleless, 64<<20, key)+"["))
		with = append(with, n.raw(head("POST", "/v1/events", publisher, 64<<20, key)+"["))
	}
	for i := range 20 {
		n.delivers(w, "meanwhile-"+strconv.Itoa(i))
	}
	if statuses := ends(without); statuses[http.StatusForbidden] != 20 {
		t.Errorf("without the role: %v", statuses)
	}
	if statuses := ends(with); statuses[http.StatusRequestTimeout] != 20 {
		t.Errorf("with the role: %v", statuses)
	}
	n.terminate()
}

// Sixty ask for a long list and never read: what is held for them is bounded,
// and their connections end.
func TestReadersThatNeverRead(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	w := newWitness(t, always200)
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	large := strings.Repeat("x", 40_000)
	for i := range 160 { // 6.4 MB
		body := fmt.Sprintf(`{"customer":"acme","url":"http://127.0.0.1:9/%d","events":["none"],"body":{"a":%q},"body_mode":"replace"}`, i, large)
		if status, text := n.call(http.MethodPost, "/v1/endpoints", body, nil); status != http.StatusCreated {
			t.Fatalf("%d %s", status, text)
		}
	}
	const heap = "go_memstats_heap_inuse_bytes"
	before := n.metric(heap)
	var conns []net.Conn
	for range 60 {
		c := n.raw("")
		if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil { // or this side's system reads for it
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, head("GET", "/v1/endpoints?limit=500", n.token(), 0)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	n.await("their answers to be under way", func() bool { return n.metric(`postrider_connections{listener="http"}`) >= 60 })
	n.delivers(w, "meanwhile")
	most := 0.0
	n.await("them to be gone", func() bool {
		most = max(most, n.metric(heap))
		return n.metric(`postrider_connections{listener="http"}`) < 10
	})
	if most-before > 250<<20 {
		t.Errorf("%.0f MB were held", (most-before)/1e6)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	t.Logf("60 readers of lists that take 6.4 MB: the heap grew from %.0f to %.0f MB at most", before/1e6, most/1e6)
	n.terminate()
}

// Producers beyond nats.connections are refused, and told of; the node and
// those that are there work on.
func TestProducersConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 16
	n := newTestNode(t, "POSTRIDER_NATS_CONNECTIONS="+strconv.Itoa(bound))
	w := newWitness(t, always200)
	n.start()
	n.addEndpoint(w.url+"/a", ">")
	var in []*nats.Conn
	refused := 0
	for range bound + 10 {
		nc, err := nats.Connect("nats://"+n.nats, nats.MaxReconnects(0))
		if err != nil {
			refused++
			continue
		}
		t.Cleanup(nc.Close)
		in = append(in, nc)
	}
	if len(in) != bound || refused != 10 {
		t.Errorf("%d are in, %d refused", len(in), refused)
	}
	if got := n.metric(`postrider_connections_refused_total{bound="all",listener="nats"}`); got != 10 {
		t.Errorf("the metrics tell of %.0f", got)
	}
	if got := n.metric(`postrider_connections{listener="nats"}`); got != bound {
		t.Errorf("the metrics tell of %.0f connections", got)
	}
	if out := n.proc.out.String(); strings.Count(out, "connections are refused") != 1 || strings.Contains(out, "ERROR") {
		t.Errorf("the log says %s", out)
	}
	if err := in[0].Publish("events.acme.a", []byte(`{}`)); err != nil {
		t.Error(err)
	}
	n.delivers(w, "by-http")
	silent := []net.Conn{}
	for range 200 { // they never sign in
		c, err := net.Dial("tcp", n.nats)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		silent = append(silent, c)
	}
	ends(silent) // in time, by themselves
	n.delivers(w, "after")
	n.terminate()
}
