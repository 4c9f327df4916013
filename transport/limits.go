package transport

import "time"

// Limits on what comes from outside.
const (
	MaxIDLength       = 256
	MaxTypeLength     = 256
	MaxURLLength      = 2083
	MinSecretLength   = 16
	MaxHTTPEvent      = 8 << 20
	MaxBatchEvents    = 1000
	MaxAnswerRead     = 64 << 10
	MaxAnswerKept     = 4 << 10
	MaxSchedule       = 30
	MaxRetryWait      = 24 * time.Hour
	MaxConcurrency    = 256
	MaxRate           = 100_000
	MaxBurst          = 1_000_000
	MaxWaitingEvents  = 10_000_000
	MaxPatterns       = 100
	MaxHeaders        = 50
	MaxHeaderValue    = 4 << 10
	MaxSegmentEntries = 64
	MaxSegmentBytes   = 256 << 10
)
