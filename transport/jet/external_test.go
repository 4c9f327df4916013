package jet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/porttest"
)

// runServer is a server that the store knows by URL only.
func runServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		t.Fatal("the server did not start")
	}
	t.Cleanup(func() { stopServer(srv) })
	return srv
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

func externalOptions(url string) Options { return Options{URL: url, MasterKey: testKey} }

func TestExternalServer(t *testing.T) {
	srv := runServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Username: "u", Password: "hunter2"})
	url := "nats://u:hunter2@" + srv.Addr().String()
	s := openEmbedded(t, externalOptions(url))
	info := s.Info()
	if info.Embedded || info.Sync != "by the server" || info.URL != "nats://"+srv.Addr().String() || info.Streams[0].MaxBytes != -1 {
		t.Errorf("info %+v", info)
	}
	if got, err := s.Submit(testContext(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil || got[0].Seq != 1 {
		t.Errorf("%v, %v", got, err)
	}
	create(t, startRegistry(t, s), testEndpoint("acme", "https://example.com"))
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

func TestUnfitServers(t *testing.T) {
	bare := runServer(t, &server.Options{})
	guarded := runServer(t, &server.Options{Username: "u", Password: "p"})
	for name, c := range map[string]struct{ url, want string }{
		"old":           {fakeServer(t, "2.9.25"), "is version 2.9.25; Postrider needs 2.14 or later"},
		"a little old":  {fakeServer(t, "2.13.99"), "is version 2.13.99; Postrider needs 2.14 or later"},
		"no JetStream":  {bare.ClientURL(), "has no JetStream"},
		"no password":   {guarded.ClientURL(), "refuses the credentials"},
		"wrong":         {"nats://u:hunter2@" + guarded.Addr().String(), "refuses the credentials"},
		"not a URL":     {"nats://u:hunter2@[::1", "check nats.url"},
		"no credential": {"", "credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			o := externalOptions(c.url)
			if c.url == "" {
				o.URL, o.Credentials = bare.ClientURL(), "/no/such/file.creds"
			}
			s, err := Open(testContext(t), o)
			if err == nil {
				closeStore(t, s)
				t.Fatal("it was taken")
			}
			if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || strings.Contains(text, "hunter2") {
				t.Errorf("%q; want %q in it", text, c.want)
			}
		})
	}
}

// fakeServer says it is of that version, and nothing else.
func fakeServer(t *testing.T, version string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprintf(c, "INFO {\"server_id\":\"X\",\"version\":%q,\"max_payload\":1048576,\"headers\":true}\r\n", version)
				for in := bufio.NewScanner(c); in.Scan(); {
					if in.Text() == "PING" {
						fmt.Fprint(c, "PONG\r\n")
					}
				}
			}()
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestNewEnough(t *testing.T) {
	for version, want := range map[string]bool{
		"2.14.0": true, "2.15.2": true, "3.0.0": true, "v2.14.1": true, "2.14.0-RC.2": true, "2.14": true,
		"2.13.9": false, "2.9.25": false, "1.4.1": false, "": false, "2": false, "x.y.z": false,
	} {
		if newEnough(version) != want {
			t.Errorf("newEnough(%q) = %v", version, !want)
		}
	}
}

func TestRedact(t *testing.T) {
	for urls, want := range map[string]string{
		"nats://a:4222":                           "nats://a:4222",
		"nats://u:p@a:4222":                       "nats://a:4222",
		"nats://u:p@ss@a:4222, tls://token@b,u@c": "nats://a:4222,tls://b,c",
		"": "",
	} {
		if got := redact(urls); got != want {
			t.Errorf("redact(%q) = %q, want %q", urls, got, want)
		}
	}
}

func TestAServerThatIsNotThereYet(t *testing.T) {
	port := porttest.Take(t)
	url := fmt.Sprintf("nats://127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, externalOptions(url))
	if !errors.Is(err, transport.ErrUnavailable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("%v", err)
	}

	opened := make(chan *Store)
	go func() {
		s, err := Open(testContext(t), externalOptions(url))
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	runServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Port: port})
	if s := <-opened; s != nil {
		closeStore(t, s)
	}
}

// TestAServerThatGoesAway: the node waits, says so, and goes on by itself; the
// registry takes in what was changed meanwhile.
func TestAServerThatGoesAway(t *testing.T) {
	port := porttest.Take(t)
	o := &server.Options{JetStream: true, StoreDir: t.TempDir(), Port: port}
	srv := runServer(t, o)
	a := openEmbedded(t, externalOptions(srv.ClientURL()))
	r := startRegistry(t, a)
	stays, goes := create(t, r, testEndpoint("acme", "https://example.com/1")), create(t, r, testEndpoint("acme", "https://example.com/2"))

	stopServer(srv)
	eventually(t, func() bool { return a.Ready() != nil })
	if _, err := a.Submit(testContext(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("publishing: %v", err)
	}

	srv = runServer(t, &server.Options{JetStream: true, StoreDir: o.StoreDir, Port: port})
	b := openEmbedded(t, externalOptions(srv.ClientURL()))
	rb := startRegistry(t, b)
	if _, err := rb.RemoveEndpoint(testContext(t), goes.ID); err != nil {
		t.Fatal(err)
	}
	changed := *stays
	changed.Name = "changed by another node"
	if _, err := rb.UpdateEndpoint(testContext(t), &changed); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		ep, ok := r.Endpoint(stays.ID)
		_, still := r.Endpoint(goes.ID)
		return ok && ep.Name == changed.Name && !still && a.Ready() == nil
	})
	if _, err := a.Submit(testContext(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil {
		t.Errorf("publishing: %v", err)
	}
}
