package bench

import (
	"syscall"
	"time"
)

// pause sleeps for d to some 0.1 ms: Go's own timers round up to 1 ms where
// nothing else goes on. It takes a thread.
func pause(d time.Duration) {
	wait := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&wait, nil) // whoever paces looks at the clock again
}
