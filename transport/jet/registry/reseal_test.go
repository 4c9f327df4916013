package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

var nextKey = bytes.Repeat([]byte{7}, 32)

// Secrets are sealed anew while a node runs and changes endpoints; broken off
// it goes on where it was; then the old key is needed no more.
func TestReseal(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	startRegistry(t, s)
	var all []*transport.Endpoint
	for i := range 5 {
		ep := jettest.Endpoint("acme", fmt.Sprintf("https://example.com/%d", i))
		ep.Headers = map[string]string{"X-Key": fmt.Sprint("k-", i), "X-Team": "doors"}
		all = append(all, create(t, s.Registry(), ep))
	}
	closeStore(t, s)

	both := jet.Options{URL: b.Server.ClientURL(), MasterKey: nextKey, PreviousMasterKey: jettest.Key}
	node := openEmbedded(t, both)
	startRegistry(t, node) // it reads what the old key sealed
	ctx, cancel := context.WithCancel(jettest.Context(t))
	first, err := node.Reseal(ctx, func(looked int) {
		if looked == 2 {
			cancel()
		}
	})
	if err == nil || first != 2 {
		t.Fatalf("broken off: %d, %v", first, err)
	}
	renamed := *all[4]
	if now, ok := node.Registry().Endpoint(renamed.ID); ok {
		renamed = *now
	}
	renamed.Name = "renamed meanwhile"
	if _, err := node.Registry().UpdateEndpoint(jettest.Context(t), &renamed); err != nil {
		t.Fatal(err) // which seals it with the new key
	}
	if rest, err := ResealAside(jettest.Context(t), both, func(int) {}); err != nil || rest > 3 || rest < 2 {
		t.Fatalf("the rest: %d, %v", rest, err)
	}
	if none, err := ResealAside(jettest.Context(t), both, func(int) {}); err != nil || none != 0 {
		t.Fatalf("a third time: %d, %v", none, err)
	}
	closeStore(t, node)

	alone := openEmbedded(t, jet.Options{URL: b.Server.ClientURL(), MasterKey: nextKey})
	r := startRegistry(t, alone)
	for i, want := range all {
		got, ok := r.Endpoint(want.ID)
		if !ok || got.Secrets != want.Secrets || got.Headers["X-Key"] != fmt.Sprint("k-", i) || got.TLS.ClientKey != want.TLS.ClientKey {
			t.Errorf("endpoint %d: %+v", i, got)
		}
	}
	if got, _ := r.Endpoint(renamed.ID); got.Name != "renamed meanwhile" {
		t.Errorf("a change was undone: %q", got.Name)
	}
	closeStore(t, alone)
	old := openEmbedded(t, jet.Options{URL: b.Server.ClientURL(), MasterKey: jettest.Key})
	if err := old.Registry().Start(jettest.Context(t)); !errors.Is(err, jet.ErrSealed) {
		t.Errorf("the old key still opens them: %v", err)
	}
	if _, err := ResealAside(jettest.Context(t), jet.Options{URL: b.Server.ClientURL(), MasterKey: bytes.Repeat([]byte{9}, 32), PreviousMasterKey: jettest.Key}, func(int) {}); !errors.Is(err, jet.ErrSealed) {
		t.Errorf("with two wrong keys: %v", err)
	}
}
