package jet_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestSubmitWithoutNATS(t *testing.T) {
	conn := jettest.Open(t, jet.Open, jet.Options{DataDir: t.TempDir(), SyncInterval: 2 * time.Minute, MaxStore: 1 << 30, MasterKey: jettest.Key})
	if err := conn.Prepare(jettest.Context(t), []jet.StreamConfig{eventlog.Config(0, -1)}); err != nil {
		t.Fatal(err)
	}
	s := eventlog.New(conn, 0, eventlog.Options{})
	defer s.Close()
	conn.ShutServerDown()
	jettest.Eventually(t, func() bool { return conn.Ready() != nil && !conn.NATS().IsConnected() })
	_, err := s.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}})
	if !errors.Is(err, transport.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
		t.Errorf("%v; want an error that waited for no answer", err)
	}
}
