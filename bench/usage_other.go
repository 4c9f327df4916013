//go:build !unix

package bench

import "time"

// cpuTime is not known on this system: figures per delivery are 0.
func cpuTime() time.Duration { return 0 }
