package journal

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

func openEmbedded(t testing.TB, o jet.Options) *Store {
	t.Helper()
	conn := jettest.Open(t, jet.Open, o)
	if err := conn.Prepare(jettest.Context(t), []jet.StreamConfig{Config(shard, time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(jettest.Context(t), conn, shard, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
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

// journalAll writes records with a Journal of their own.
func journalAll(t testing.TB, s *Store, records ...*transport.Record) {
	t.Helper()
	j := s.Journal()
	for _, r := range records {
		j.Append(r, nil)
	}
	jettest.ShutWith(t, j.Close)
}
