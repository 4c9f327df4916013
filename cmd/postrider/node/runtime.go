package node

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/postrider/postrider/config"
)

// tuneRuntime is the only place that changes settings of Go's runtime. They
// hold for the whole process, so for all its nodes. GOGC and GOMAXPROCS of the
// operator hold.
func tuneRuntime(cfg *config.Config) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMAXPROCS") == "" && cfg.NATS.URL == "" {
		addProcessors()
	}
}

// collectAt is the growth of the heap, in percent, at which the garbage
// collector runs. Go's own 100 would double what the embedded server holds: it
// keeps what was written to the log in the last ten seconds, and that is most
// of a busy node's memory and next to nothing to scan.
const collectAt = 40

// moreProcessors are how many of the Go scheduler's processors may wait for the
// disk at a time: some streams of the embedded server, each syncing by itself.
const moreProcessors = 4

// addProcessors gives the scheduler more processors than there are cores, at
// most as many again, where the embedded server syncs its files. One that waits
// in a system call is not taken away for up to some milliseconds; with two of
// them, two syncs at once stopped all deliveries for as long.
var addProcessors = sync.OnceFunc(func() {
	cores := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(cores + min(cores, moreProcessors))
})
