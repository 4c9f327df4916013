package bench

import (
	"context"
	"time"
)

// rate is what came within a stretch of time, and what it cost.
type rate struct {
	deliveries uint64
	took       time.Duration
	sender     time.Duration // processor time of the process that sends
	receiver   time.Duration // and of the sink's
	producers  time.Duration // and of those that publish to it, and of the bench
	machine    time.Duration // and of everything on the machine
}

func (r rate) perSecond() float64 {
	if r.took <= 0 {
		return 0
	}
	return float64(r.deliveries) / r.took.Seconds()
}

// each is a cost per delivery in µs.
func (r rate) each(cost time.Duration) float64 {
	if r.deliveries == 0 {
		return 0
	}
	return float64(cost) / float64(time.Microsecond) / float64(r.deliveries)
}

// others is how many cores were busy with nothing of the bench; 0 where it is not known.
func (r rate) others() float64 {
	if r.took <= 0 {
		return 0
	}
	return max(0, float64(r.machine-r.sender-r.receiver-r.producers)/float64(r.took))
}

// busy is how many cores were busy in all; 0 where it is not known.
func (r rate) busy() float64 {
	if r.took <= 0 {
		return 0
	}
	return float64(r.machine) / float64(r.took)
}

// measure lets warm pass, then counts for d, by the sink's clock and counter;
// what sends is this process.
func (r *sinkReceiver) measure(ctx context.Context, warm, d time.Duration) (rate, error) {
	return r.measureBy(ctx, warm, d, func() (sender, producers time.Duration) { return cpuTime(), 0 })
}

// measureBy is measure where spent tells the processor time of what sends, and
// of what publishes to it.
func (r *sinkReceiver) measureBy(ctx context.Context, warm, d time.Duration, spent func() (sender, producers time.Duration)) (rate, error) {
	if err := sleep(ctx, warm); err != nil {
		return rate{}, err
	}
	sender, producers := spent()
	machine := machineTime()
	from, err := r.stats(ctx)
	if err != nil {
		return rate{}, err
	}
	if err := sleep(ctx, d); err != nil {
		return rate{}, err
	}
	to, err := r.stats(ctx)
	senderAfter, producersAfter := spent()
	return rate{
		deliveries: to.Received - from.Received,
		took:       to.At.Sub(from.At),
		sender:     senderAfter - sender,
		receiver:   to.CPU - from.CPU,
		producers:  producersAfter - producers,
		machine:    machineTime() - machine,
	}, err
}
