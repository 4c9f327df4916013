package jet

import "strconv"

// Shard is one of the parts that events, and all that becomes of them, are spread
// over. There is one by now, 0. Each has streams of its own; those of shard 0 have
// the bare names.
type Shard int

// Events is the name of the shard's log.
func (s Shard) Events() string { return s.stream(StreamEvents) }

// Kept is the name of its stream of what the log has no room for.
func (s Shard) Kept() string { return s.stream(StreamKept) }

// Deferred is the name of its stream of what waits.
func (s Shard) Deferred() string { return s.stream(StreamDeferred) }

// Attempts is the name of its journal.
func (s Shard) Attempts() string { return s.stream(StreamAttempts) }

// DeadLetters is the name of its stream of what was given up.
func (s Shard) DeadLetters() string { return s.stream(StreamDeadLetters) }

func (s Shard) stream(name string) string {
	if s == 0 {
		return name
	}
	return name + "-" + strconv.Itoa(int(s))
}
