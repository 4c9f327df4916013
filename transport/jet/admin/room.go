package admin

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// room sees to the disk that an account may use, and to how its streams share
// it: without a limit nothing keeps what producers publish from filling the disk,
// and then nothing can be written at all.
func (e *examination) room(ctx context.Context) {
	use, err := jet.UseOf(ctx, e.js, jet.Room(max(0, e.o.MaxStore)))
	if err != nil {
		e.add("room", transport.FindingWarn, err.Error(), "let Postrider's user ask the JetStream API of its account")
		return
	}
	if use.Room <= 0 {
		e.add("room", transport.FindingWarn, "the account has no limit of disk (max_file), so that no stream has a bound, and quota.log_share none either",
			"give it one, as in what postrider setup --accounts prints, or set nats.max_store; then run postrider setup")
		return
	}
	if use.Fill(jet.StreamEvents) == 0 && !bounded(&use) {
		e.add("room", transport.FindingWarn, fmt.Sprintf("the account may use %d MiB, and EVENTS has no bound of it", int64(use.Room)>>20), "run postrider setup, or start the node again: either gives the streams their bounds")
		return
	}
	near := use.Bounds()
	for _, b := range near {
		e.add("room", transport.FindingWarn, b.Text, b.Remedy)
	}
	if len(near) == 0 {
		e.add("room", transport.FindingOK, fmt.Sprintf("%d of %d MiB used, and no stream is near its bound", use.Used>>20, int64(use.Room)>>20), "")
	}
}

// bounded tells that EVENTS has a bound, or is not there yet.
func bounded(use *jet.Use) bool {
	for i := range use.Streams {
		if s := &use.Streams[i]; s.Name == jet.StreamEvents {
			return s.MaxBytes > 0
		}
	}
	return true
}
