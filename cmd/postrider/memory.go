package main

import (
	"os"
	"runtime/debug"
)

// collectAt is the growth of the heap, in percent, at which the garbage
// collector runs. Go's own 100 would double what the embedded server holds: it
// keeps what was written to the log in the last ten seconds, and that is most
// of a busy node's memory and next to nothing to scan.
const collectAt = 40

// keepHeapSmall sets it, unless the operator's GOGC says otherwise.
func keepHeapSmall() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
