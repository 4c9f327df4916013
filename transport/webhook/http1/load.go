package http1

import "time"

// load is how busy a host's connections are: from it follows whether one comes
// free sooner than a new one is made.
type load struct {
	inUse int
	dial  time.Duration // how long making one took, lately
	hold  time.Duration // how long an exchange keeps one, lately
}

func (l *load) dialled(took time.Duration) {
	l.inUse++
	l.dial = lately(l.dial, took)
}

func (l *load) freed(held time.Duration) {
	l.inUse--
	l.hold = lately(l.hold, held)
}

func lately(before, now time.Duration) time.Duration {
	if before == 0 {
		return now
	}
	return before + (now-before)/8
}

// worthWaiting is how long the next, behind so many, should wait for one to
// come free; 0: not at all. Those that hang come not free at all: whoever waits
// for them has lost no more than what a new connection takes.
func (l *load) worthWaiting(before int) time.Duration {
	if l.inUse == 0 || l.hold == 0 {
		return 0
	}
	if l.hold*time.Duration(before+1)/time.Duration(l.inUse) >= l.dial {
		return 0
	}
	return l.dial
}
