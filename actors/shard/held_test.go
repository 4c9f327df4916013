package shard

import (
	"context"
	"testing"

	"github.com/postrider/postrider/transport"
)

// An endpoint that hangs keeps the room of its own lease, not that of those who
// had the same event and are done.
func TestWhatHasEndedKeepsNoRoom(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b", "c")
		w.receivers(func(ctx context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
			if ep.ID != "c" {
				return accepted
			}
			<-ctx.Done()
			return transport.Answer{Class: transport.Aborted}
		})
		h := w.event(1)
		h.want("open")
		if leases, bytes := w.shard.fresh.used(); leases != 1 || bytes == 0 {
			t.Errorf("%d leases and %d bytes are in hand, want the one that hangs with its event", leases, bytes)
		}
	})
}
