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
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/porttest"
)

func externalOptions(url string) Options { return Options{URL: url, MasterKey: jettest.Key} }

func TestUnfitServers(t *testing.T) {
	bare := jettest.RunServer(t, &server.Options{})
	guarded := jettest.RunServer(t, &server.Options{Username: "u", Password: "p"})
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
			s, err := Open(jettest.Context(t), o)
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
		if got := Redact(urls); got != want {
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

	opened := make(chan *Conn)
	go func() {
		s, err := Open(jettest.Context(t), externalOptions(url))
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	jettest.RunServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Port: port})
	if s := <-opened; s != nil {
		closeStore(t, s)
	}
}
