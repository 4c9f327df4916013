package deferred

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// shard is any but the first: nothing here may know of that one.
const shard = jet.Shard(7)

// embeddedOptions are those of an unsynced node that takes producers on any port.
func embeddedOptions(t testing.TB) jet.Options {
	return jet.Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", SyncInterval: 2 * time.Minute,
		MaxStore: 1 << 30, MasterKey: jettest.Key}
}

// noWitness tells at once: nobody looks after what the stream may lose.
type noWitness struct{}

func (noWitness) Parked(uint64) {}

func (noWitness) Tell(_ uint64, waiters []transport.Waiter) {
	for _, w := range waiters {
		w.Done()
	}
}

func openEmbedded(t testing.TB, o jet.Options) *Store {
	t.Helper()
	return openWindow(t, o, 0)
}

// openWindow opens a shard with so much in hand.
func openWindow(t testing.TB, o jet.Options, window int) *Store {
	t.Helper()
	conn := jettest.Open(t, jet.Open, o)
	if err := conn.Prepare(jettest.Context(t), []jet.StreamConfig{Config(shard)}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(jettest.Context(t), conn, shard, Options{Window: window, Witness: noWitness{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func startConsuming(t testing.TB, s *Store, sink transport.Sink) *DueConsumer {
	t.Helper()
	c, err := s.ConsumeDue(jettest.Context(t), sink, func(d *transport.DeadLetter, id string, _ transport.Waiter) {
		t.Errorf("%s cannot be read: %s", id, d.Detail)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { jettest.ShutWith(t, c.Stop) })
	return c
}

// openBare opens at an external server.
func openBare(t testing.TB, b *jettest.Bare) *Store {
	t.Helper()
	return openEmbedded(t, jet.Options{URL: b.Server.ClientURL(), MasterKey: jettest.Key, SyncInterval: 2 * time.Minute})
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	jettest.ShutWith(t, s.conn.Close)
}
