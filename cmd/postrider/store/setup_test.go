package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func actions(steps []admin.SetupStep) map[string][]string {
	all := map[string][]string{}
	for _, s := range steps {
		all[s.Action] = append(all[s.Action], s.Name)
	}
	return all
}

func TestSetup(t *testing.T) {
	b := jettest.StartBare(t)
	o := Options{Options: jet.Options{URL: b.Server.ClientURL()}}
	dry, err := Setup(jettest.Context(t), o, true)
	if err != nil {
		t.Fatal(err)
	}
	nc := jettest.Connect(t, b.Server.ClientURL())
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	names := func() (all []string) {
		for name := range js.StreamNames(jettest.Context(t)).Name() {
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	if there := names(); len(there) != 0 {
		t.Fatalf("a dry run made %v", there)
	}
	done, err := Setup(jettest.Context(t), o, false)
	if err != nil || fmt.Sprint(done) != fmt.Sprint(dry) {
		t.Fatalf("%v: did %v, announced %v", err, done, dry)
	}
	created := actions(done)["created"]
	slices.Sort(created)
	if there := names(); !slices.Equal(there, created) {
		t.Errorf("told of %v, there are %v", created, there)
	}
	again, err := Setup(jettest.Context(t), o, false)
	if err != nil || len(actions(again)["unchanged"]) != len(again) {
		t.Errorf("a second time: %v, %v", again, err)
	}
	openBare(t, b) // a node finds what it needs
	if after, err := Setup(jettest.Context(t), o, true); err != nil || len(actions(after)["unchanged"]) != len(after) {
		t.Errorf("after a node's start: %v, %v", after, err)
	}

	// What differs is told and brought up to date; what an operator chose stays.
	stream, err := js.Stream(jettest.Context(t), jet.StreamAttempts)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxAge, config.AllowDirect, config.Metadata = time.Hour, false, map[string]string{"owner": "ops"}
	if _, err := js.UpdateStream(jettest.Context(t), config); err != nil {
		t.Fatal(err)
	}
	changed, err := Setup(jettest.Context(t), o, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range changed {
		if want := map[bool]string{true: "updated", false: "unchanged"}[s.Name == jet.StreamAttempts]; s.Action != want {
			t.Errorf("%+v", s)
		}
		if s.Name == jet.StreamAttempts && fmt.Sprint(s.Fields) != "[allow_direct max_age]" {
			t.Errorf("fields %v", s.Fields)
		}
	}
	if stream, err = js.Stream(jettest.Context(t), jet.StreamAttempts); err != nil || stream.CachedInfo().Config.MaxAge != 7*24*time.Hour || stream.CachedInfo().Config.Metadata["owner"] != "ops" {
		t.Errorf("%v %+v", err, stream.CachedInfo().Config)
	}
	if _, err := Setup(jettest.Context(t), Options{Options: jet.Options{DataDir: t.TempDir()}}, false); err == nil || !strings.Contains(err.Error(), "needs no setup") {
		t.Error(err)
	}
}

// The accounts that setup prints are taken by the server, and hold.
func TestProducerAccounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nats.conf")
	text := fmt.Sprintf("listen: 127.0.0.1:-1\njetstream: {store_dir: %q}\n%s", t.TempDir(), admin.ProducerAccounts)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	so, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := startConfigured(t, so)
	o := Options{Options: jet.Options{URL: "nats://postrider:CHANGE-ME@" + at, MasterKey: jettest.Key}}
	if _, err := Setup(jettest.Context(t), o, false); err != nil {
		t.Fatal(err)
	}
	found := Examine(jettest.Context(t), o.Options, admin.Producer{URL: "nats://producer:CHANGE-ME-TOO@" + at})
	if got := levels(found); got != "nats ok, streams ok, clock ok, room ok, mapping ok, master key ok, owner ok, producers ok" {
		t.Errorf("%s\n%+v", got, found)
	}
}
