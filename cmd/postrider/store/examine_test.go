package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestExamineAnExternalServer(t *testing.T) {
	b := jettest.StartBare(t)
	o := jet.Options{URL: b.Server.ClientURL(), MasterKey: jettest.Key}
	found := Examine(jettest.Context(t), o, admin.Producer{})
	if got := levels(found); got != "nats ok, streams ok, clock ok, room warn, mapping ok, producers warn" {
		t.Errorf("%s\n%+v", got, found)
	}
	s := openBare(t, b)
	startRegistry(t, s)
	create(t, s.Registry, jettest.Endpoint("acme", "https://example.com"))
	before := s.Info()
	found = Examine(jettest.Context(t), o, admin.Producer{URL: b.Server.ClientURL()}) // in the same account a producer reaches all
	if got := levels(found); got != "nats ok, streams ok, clock ok, room warn, mapping ok, master key ok, owner ok, producers fail" {
		t.Errorf("%s\n%+v", got, found)
	}
	if open := found[len(found)-1].Text; open != "can reach due.0.doctor.probe, park.0.doctor.probe, ops.doctor.probe, attempts.0, deadletters.doctor.probe, $JS.API.STREAM.INFO.EVENTS, $KV.ENDPOINTS.doctor.probe" {
		t.Error(open)
	}
	if after := s.Info(); fmt.Sprint(before.Streams) != fmt.Sprint(after.Streams) {
		t.Errorf("something was stored: %v, then %v", before.Streams, after.Streams)
	}
	o.MasterKey = bytes.Repeat([]byte{9}, 32)
	if got := levels(Examine(jettest.Context(t), o, admin.Producer{})); !strings.Contains(got, "master key fail") {
		t.Error(got)
	}
}

func TestExamineAServerThatIsAway(t *testing.T) {
	b := jettest.StartBare(t)
	url := b.Server.ClientURL()
	b.Stop()
	if found := Examine(jettest.Context(t), jet.Options{URL: url}, admin.Producer{}); levels(found) != "nats fail" || found[0].Remedy == "" {
		t.Errorf("%+v", found)
	}
}

// Producers in an account of their own, as docs/operations.md has it, with and
// without a mapping of events.>.
func TestExamineAccounts(t *testing.T) {
	for name, c := range map[string]struct {
		producers, mapping string
		want               string
	}{
		"apart":   {want: "mapping ok, master key ok, owner ok, producers ok", producers: `imports: [{service: {account: POSTRIDER, subject: "events.>"}}]`},
		"nothing": {want: "mapping ok, master key ok, owner ok, producers fail", producers: ``},
		"due too": {want: "mapping ok, master key ok, owner ok, producers fail", producers: `imports: [{service: {account: POSTRIDER, subject: "events.>"}}, {service: {account: POSTRIDER, subject: "due.>"}}]`},
		"mapped":  {want: "mapping fail, master key ok, owner ok, producers ok", producers: `imports: [{service: {account: POSTRIDER, subject: "events.>"}}]`, mapping: `mappings: {"events.*.>": "events.{{partition(4,1)}}.{{wildcard(1)}}.>"}`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "nats.conf")
			config := fmt.Sprintf(`listen: 127.0.0.1:-1
jetstream: {store_dir: %q}
accounts {
  POSTRIDER {
    jetstream: enabled
    users: [{user: node, password: n}]
    exports: [{service: "events.>"}, {service: "due.>"}]
    %s
  }
  PRODUCERS {
    users: [{user: producer, password: p, permissions: {publish: [">"], subscribe: ["_INBOX.>"]}}]
    %s
  }
}`, t.TempDir(), c.mapping, c.producers)
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			so, err := server.ProcessConfigFile(file)
			if err != nil {
				t.Fatal(err)
			}
			at := startConfigured(t, so)
			o := jet.Options{URL: "nats://node:n@" + at, MasterKey: jettest.Key}
			openEmbedded(t, Options{Options: o}) // the streams are there
			found := Examine(jettest.Context(t), o, admin.Producer{URL: "nats://producer:p@" + at})
			if got := levels(found); !strings.HasSuffix(got, c.want) {
				t.Errorf("%s\n%+v", got, found)
			}
		})
	}
}

// startConfigured runs a server and gives its host and port.
func startConfigured(t *testing.T, so *server.Options) string {
	t.Helper()
	so.NoSigs, so.NoLog = true, true
	srv, err := server.NewServer(so)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(jettest.Patience) {
		t.Fatal("the server did not start")
	}
	return strings.TrimPrefix(srv.ClientURL(), "nats://")
}

// levels is "nats ok, streams fail", for comparing.
func levels(found []transport.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Part+" "+f.Level)
	}
	return strings.Join(all, ", ")
}
