package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Noise is what else went on: load averages of the last minute.
type Noise struct {
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
}

// busyLoad is the load average for each core, before a bench begins, above which
// the machine is not quiet.
const busyLoad = 0.5

// loadAverage is that of the last minute; 0 where it is not known.
func loadAverage() float64 {
	words := strings.Fields(readText("/proc/loadavg"))
	if len(words) == 0 {
		return 0
	}
	v, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return v
}

// end notes what makes the figures say little.
func (r *Report) end() {
	r.Noise.LoadAfter = loadAverage()
	r.Warnings = nil
	if cores := float64(max(1, r.Machine.Cores)); r.Noise.LoadBefore > busyLoad*cores {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the machine was not quiet: load average %.1f on %.0f cores before the bench", r.Noise.LoadBefore, cores))
	}
	for _, d := range r.Deliveries {
		for _, w := range d.Warnings {
			r.Warnings = append(r.Warnings, d.Name+": "+w)
		}
	}
	for _, c := range r.Curves {
		for _, p := range c.Points {
			for _, w := range p.Warnings {
				r.Warnings = append(r.Warnings, fmt.Sprintf("curve over %s, %g: %s", c.Over, p.At, w))
			}
		}
	}
}
