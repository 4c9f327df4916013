package main

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// waits is a range of waits before an answer; both zero: none.
type waits struct{ least, most time.Duration }

// maxWait is more than any endpoint's time limit.
const maxWait = time.Hour

// readWaits reads a duration, or a range of two: 200ms, 100ms-2s.
func readWaits(s string) (waits, error) {
	first, second, isRange := strings.Cut(s, "-")
	if !isRange {
		second = first
	}
	least, err1 := time.ParseDuration(strings.TrimSpace(first))
	most, err2 := time.ParseDuration(strings.TrimSpace(second))
	if err1 != nil || err2 != nil || least < 0 || most < least || most > maxWait {
		return waits{}, usagef("--delay %q is neither a duration such as 200ms nor a range such as 100ms-2s, of at most 1h", s)
	}
	return waits{least, most}, nil
}

// readShare reads a share: 0.1 or 10%.
func readShare(name, s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share >= 0 && share <= 1) {
		return 0, usagef("--%s %q is neither a share from 0 to 1 nor a percentage such as 10%%", name, s)
	}
	return share, nil
}

// whims decide what becomes of each delivery, the same for the same seed in
// the order in which deliveries come. They are for one goroutine at a time.
type whims struct {
	random   *rand.Rand
	wait     waits
	failRate float64
}

func newWhims(seed uint64, wait waits, failRate float64) *whims {
	return &whims{random: rand.New(rand.NewPCG(seed, seed)), wait: wait, failRate: failRate}
}

// next tells how long the next delivery waits, and whether it is failed. Both
// are drawn each time, so that neither depends on whether the other is asked for.
func (w *whims) next() (wait time.Duration, fail bool) {
	fail = w.random.Float64() < w.failRate
	part := w.random.Float64()
	return w.wait.least + time.Duration(part*float64(w.wait.most-w.wait.least)), fail
}
