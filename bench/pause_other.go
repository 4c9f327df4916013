//go:build !linux

package bench

import "time"

// pause sleeps for d, to 1 ms or so.
func pause(d time.Duration) { time.Sleep(d) }
