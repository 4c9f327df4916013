package store

import (
	"testing"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// A disk that is smaller than what both logs had reserved makes them smaller.
func TestBothLogsShrink(t *testing.T) {
	o := embeddedOptions(t)
	for _, store := range []int64{1 << 30, 700 << 20, 100 << 20, 1 << 30} {
		o.MaxStore = store
		s, err := Open(jettest.Context(t), o)
		if err != nil {
			t.Fatalf("with %d MiB: %v", store>>20, err)
		}
		for name, share := range map[string]int64{jet.StreamEvents: 2, jet.StreamDetections: 6} {
			stream, err := s.JetStream().Stream(jettest.Context(t), name)
			if err != nil || stream.CachedInfo().Config.MaxBytes != store/share {
				t.Errorf("with %d MiB %s has %d, %v", store>>20, name, stream.CachedInfo().Config.MaxBytes>>20, err)
			}
		}
		for range 10 {
			jettest.Publish(t, s.JetStream(), "detections.x", `{}`)
		}
		closeStore(t, s)
	}
}
