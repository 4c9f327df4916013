package jet

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestSweepGoesInBoundedSteps(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	if err := s.Prepare(ctx, []StreamConfig{{Name: "REFS", Subjects: []string{"refs"}, AllowDirect: true}}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := s.PutPayload(ctx, fmt.Sprint("p", i), []byte(`1`)); err != nil {
			t.Fatal(err)
		}
	}
	jettest.Publish(t, s.js, "refs", "p4")
	refs := References{Stream: "REFS", Names: func(m *jetstream.RawStreamMsg) ([]string, bool) { return []string{string(m.Data)}, true }}
	if err := s.sweepOld(ctx, "", time.Now().Add(time.Minute), 3, []References{refs}); err != nil {
		t.Fatal(err)
	}
	all, err := s.payloads.List(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "p4" {
		t.Errorf("%+v, %v", all, err)
	}
}
