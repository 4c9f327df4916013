package deadletters

import (
	"testing"
	"time"

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
	return openKept(t, o, 0)
}

// openKept opens letters that are kept so long.
func openKept(t testing.TB, o jet.Options, keep time.Duration) *Store {
	t.Helper()
	conn := jettest.Open(t, jet.Open, o)
	if err := conn.Prepare(jettest.Context(t), []jet.StreamConfig{Config(shard, keep)}); err != nil {
		t.Fatal(err)
	}
	return New(conn, shard, Options{})
}
