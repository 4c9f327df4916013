package bench

import (
	"context"
	"time"
)

// rate is what came within a stretch of time, and what it cost.
type rate struct {
	deliveries uint64
	took       time.Duration
	sender     time.Duration // processor time of this process
	receiver   time.Duration // and of the sink's
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

// others is how many cores were busy with neither side; 0 where it is not known.
func (r rate) others() float64 {
	if r.took <= 0 {
		return 0
	}
	return max(0, float64(r.machine-r.sender-r.receiver)/float64(r.took))
}

// busy is how many cores were busy in all; 0 where it is not known.
func (r rate) busy() float64 {
	if r.took <= 0 {
		return 0
	}
	return float64(r.machine) / float64(r.took)
}

// measure lets warm pass, then counts for d, by the sink's clock and counter.
func (r *sinkReceiver) measure(ctx context.Context, warm, d time.Duration) (rate, error) {
	if err := sleep(ctx, warm); err != nil {
		return rate{}, err
	}
	own, machine := cpuTime(), machineTime()
	from, err := r.stats(ctx)
	if err != nil {
		return rate{}, err
	}
	if err := sleep(ctx, d); err != nil {
		return rate{}, err
	}
	to, err := r.stats(ctx)
	return rate{
		deliveries: to.Received - from.Received,
		took:       to.At.Sub(from.At),
		sender:     cpuTime() - own,
		receiver:   to.CPU - from.CPU,
		machine:    machineTime() - machine,
	}, err
}
