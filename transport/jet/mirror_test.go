package jet

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// mirrored is a bucket in memory, and what was forgotten of it.
type mirrored struct {
	mu  sync.Mutex
	all map[string]string
	bad string // a value that is refused
}

func (b *mirrored) apply(e jetstream.KeyValueEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Operation() != jetstream.KeyValuePut {
		delete(b.all, e.Key())
		return nil
	}
	if b.bad != "" && string(e.Value()) == b.bad {
		return errors.New("refused")
	}
	b.all[e.Key()] = string(e.Value())
	return nil
}

func (b *mirrored) forget(seen map[string]bool, _ uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.all, func(key, _ string) bool { return !seen[key] })
}

func (b *mirrored) is(want map[string]string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Equal(b.all, want)
}

func openMirror(t *testing.T, c *Conn, b *mirrored) (*Mirror, jetstream.KeyValue) {
	t.Helper()
	kv, err := c.Bucket(jettest.Context(t), "MIRRORED", "")
	if err != nil {
		t.Fatal(err)
	}
	m := NewMirror(c, "the entries", Mirrored{Bucket: kv, Keys: ">", Apply: b.apply, Forget: b.forget})
	t.Cleanup(m.Stop)
	return m, kv
}

func put(t *testing.T, kv jetstream.KeyValue, key, value string) uint64 {
	t.Helper()
	rev, err := kv.Put(jettest.Context(t), key, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// A mirror has all as Start returns, follows, and after a reconnect drops what
// was removed meanwhile without a trace.
func TestAMirrorIsAsTheBucketIs(t *testing.T) {
	srv := jettest.StartBare(t)
	c := openEmbedded(t, externalOptions(srv.Server.ClientURL()))
	b := &mirrored{all: map[string]string{}}
	m, kv := openMirror(t, c, b)
	put(t, kv, "a", "1")
	put(t, kv, "b", "1")
	if err := m.Start(jettest.Context(t)); err != nil || !b.is(map[string]string{"a": "1", "b": "1"}) {
		t.Fatalf("%v, %v", b.all, err)
	}
	if err := m.Wait(jettest.Context(t), 0, put(t, kv, "a", "2")); err != nil || !b.is(map[string]string{"a": "2", "b": "1"}) {
		t.Errorf("%v, %v", b.all, err)
	}
	b.mu.Lock()
	b.all["gone"] = "1" // as if it had been removed while nobody watched
	b.mu.Unlock()
	back, stop := c.Reconnects()
	defer stop()
	srv.Stop()
	srv.Start()
	jettest.Receive(t, back, "the connection")
	jettest.Eventually(t, func() bool { return m.Ready() == nil && b.is(map[string]string{"a": "2", "b": "1"}) })
}

// What cannot be taken ends a start, and not the following.
func TestAMirrorThatCannotTakeAnEntry(t *testing.T) {
	c := openEmbedded(t, embeddedOptions(t))
	b := &mirrored{all: map[string]string{}, bad: "bad"}
	m, kv := openMirror(t, c, b)
	if err := m.Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	put(t, kv, "a", "bad")
	if err := m.Wait(jettest.Context(t), 0, put(t, kv, "b", "good")); err != nil || !b.is(map[string]string{"b": "good"}) {
		t.Errorf("%v, %v", b.all, err)
	}
	other, _ := openMirror(t, c, &mirrored{all: map[string]string{}, bad: "bad"})
	if err := other.Start(jettest.Context(t)); err == nil || err.Error() != "refused" {
		t.Error(err)
	}
}

func TestAMirrorThatIsStopped(t *testing.T) {
	c := openEmbedded(t, embeddedOptions(t))
	m, _ := openMirror(t, c, &mirrored{all: map[string]string{}})
	if m.Started() || m.Ready() != nil {
		t.Error("it was not started")
	}
	if err := m.Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(jettest.Context(t)); err == nil || !strings.Contains(err.Error(), "read before") {
		t.Errorf("a second start: %v", err)
	}
	ctx, cancel := context.WithCancel(jettest.Context(t))
	cancel()
	if err := m.Wait(ctx, 0, 99); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	m.Stop()
	m.Stop()
	if err := m.Wait(jettest.Context(t), 0, 99); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("after the stop: %v", err)
	}
}
