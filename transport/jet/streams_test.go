package jet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/jet/producers"
	"github.com/postrider/postrider/transport/jet/runs"
)

// embeddedOptions are those of an unsynced node that takes producers on any port.
func embeddedOptions(t testing.TB) jet.Options {
	return jet.Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", SyncInterval: 2 * time.Minute,
		MaxStore: 1 << 30, MasterKey: jettest.Key}
}

// openEmbedded opens with all streams and lets producers in.
func openEmbedded(t testing.TB, o jet.Options) *jet.Conn {
	t.Helper()
	c := jettest.Open(t, jet.Open, o)
	all := append([]jet.StreamConfig{eventlog.Config(0, -1), deferred.Config(0), journal.Config(0, time.Hour), deadletters.Config(0, 0)},
		runs.Configs(time.Hour, -1)...)
	if err := c.Prepare(jettest.Context(t), all); err != nil {
		t.Fatal(err)
	}
	if !c.Listens() {
		return c
	}
	p := producers.New(c, producers.Options{MaxPayload: int32(c.MaxPayload()), Window: time.Minute, Event: eventlog.Identify, Detection: runs.Identify})
	log := eventlog.New(c, 0, eventlog.Options{Source: p.Events()})
	t.Cleanup(func() {
		p.Close(jettest.Context(t))
		log.Close()
	})
	if err := errors.Join(p.Open(jettest.Context(t)), c.Listen()); err != nil {
		t.Fatal(err)
	}
	return c
}
