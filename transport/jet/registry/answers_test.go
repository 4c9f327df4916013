package registry

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestAnAnswerIsClaimedOnceAndNotReadable(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	a, err := s.Answers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var first atomic.Int64
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			if there, err := a.Claim(ctx, "k", []byte("claimed")); err != nil {
				t.Error(err)
			} else if there == nil {
				first.Add(1)
			}
		})
	}
	if work.Wait(); first.Load() != 1 {
		t.Errorf("%d claimed it", first.Load())
	}
	if err := a.Keep(ctx, "k", []byte("a secret")); err != nil {
		t.Fatal(err)
	}
	if a, err = s.Answers(ctx); err != nil {
		t.Fatal(err)
	}
	if there, err := a.Claim(ctx, "k", nil); string(there) != "a secret" || err != nil {
		t.Errorf("%q, %v", there, err)
	}
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: "KV_" + BucketAnswers, Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
		if bytes.Contains(m.Data, []byte("secret")) || bytes.Contains(m.Data, []byte("claimed")) {
			t.Errorf("readable at rest: %s", m.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Release(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	if there, err := a.Claim(ctx, "k", []byte("again")); there != nil || err != nil {
		t.Errorf("released: %q, %v", there, err)
	}
}
