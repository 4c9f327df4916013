package main

import (
	"os"
	"runtime"
	"sync"

	"github.com/postrider/postrider/config"
)

// moreProcessors are how many of the Go scheduler's processors may wait for the
// disk at a time: some streams of the embedded server, each syncing by itself.
const moreProcessors = 4

// keepProcessorsFree gives the scheduler more processors than there are cores,
// at most as many again, where the embedded server syncs its files. One that
// waits in a system call is not taken away for up to some milliseconds; with
// two of them, two syncs at once stopped all deliveries for as long. GOMAXPROCS
// of the operator holds.
func keepProcessorsFree(cfg *config.Config) {
	if os.Getenv("GOMAXPROCS") != "" || cfg.NATS.URL != "" {
		return
	}
	addProcessors()
}

var addProcessors = sync.OnceFunc(func() { // for all nodes of a process
	cores := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(cores + min(cores, moreProcessors))
})
