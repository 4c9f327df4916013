package store

import (
	"errors"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/porttest"
)

func TestExternalServer(t *testing.T) {
	srv := jettest.RunServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Username: "u", Password: "hunter2"})
	url := "nats://u:hunter2@" + srv.Addr().String()
	s := openEmbedded(t, externalOptions(url))
	info := s.Info()
	if info.Embedded || info.Sync != "by the server" || info.URL != "nats://"+srv.Addr().String() || info.Streams[0].MaxBytes != -1 {
		t.Errorf("info %+v", info)
	}
	if got, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil || got[0].Seq != 1 {
		t.Errorf("%v, %v", got, err)
	}
	create(t, startRegistry(t, s), jettest.Endpoint("acme", "https://example.com"))
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

// TestAServerThatGoesAway: the node waits, says so, and goes on by itself; the
// registry takes in what was changed meanwhile.
func TestAServerThatGoesAway(t *testing.T) {
	port := porttest.Take(t)
	o := &server.Options{JetStream: true, StoreDir: t.TempDir(), Port: port}
	srv := jettest.RunServer(t, o)
	a := openEmbedded(t, externalOptions(srv.ClientURL()))
	r := startRegistry(t, a)
	stays, goes := create(t, r, jettest.Endpoint("acme", "https://example.com/1")), create(t, r, jettest.Endpoint("acme", "https://example.com/2"))

	jettest.StopServer(srv)
	jettest.Eventually(t, func() bool { return a.Ready() != nil })
	if _, err := a.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("publishing: %v", err)
	}

	srv = jettest.RunServer(t, &server.Options{JetStream: true, StoreDir: o.StoreDir, Port: port})
	b := openEmbedded(t, externalOptions(srv.ClientURL()))
	rb := startRegistry(t, b)
	if _, err := rb.RemoveEndpoint(jettest.Context(t), goes.ID); err != nil {
		t.Fatal(err)
	}
	changed := *stays
	changed.Name = "changed by another node"
	if _, err := rb.UpdateEndpoint(jettest.Context(t), &changed); err != nil {
		t.Fatal(err)
	}
	jettest.Eventually(t, func() bool {
		ep, ok := r.Endpoint(stays.ID)
		_, still := r.Endpoint(goes.ID)
		return ok && ep.Name == changed.Name && !still && a.Ready() == nil
	})
	if _, err := a.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil {
		t.Errorf("publishing: %v", err)
	}
}
