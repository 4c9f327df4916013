package sim

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// line is one thing that happened, kept in pieces: few lines are ever read.
type line struct {
	at       time.Duration
	what     string
	endpoint string
	seq      uint64
	n        int64
	more     string
}

func (l *line) String() string {
	s := fmt.Sprintf("%14s  %-22s", l.at, l.what)
	if l.endpoint != "" {
		s += " " + l.endpoint
	}
	if l.seq != 0 {
		s += fmt.Sprintf(" seq %d", l.seq)
	}
	if l.n != 0 {
		s += fmt.Sprintf(" %d", l.n)
	}
	if l.more != "" {
		s += " " + l.more
	}
	return s
}

// traceKept is how many of the last lines a breach shows.
const traceKept = 40

// trace keeps the last lines, and a hash of all of them.
type trace struct {
	kept [traceKept]line
	n    int
	hash uint64
	all  io.Writer // nil: nobody reads them
}

func newTrace(all io.Writer) trace { return trace{hash: fnvOffset, all: all} }

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func (t *trace) note(l line) {
	t.kept[t.n%traceKept] = l
	t.n++
	h := t.hash
	for _, v := range [...]uint64{uint64(l.at), l.seq, uint64(l.n)} {
		h = (h ^ v) * fnvPrime
		h ^= h >> 29
	}
	for _, s := range [...]string{l.what, l.endpoint, l.more} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * fnvPrime
		}
	}
	t.hash = h
	if t.all != nil {
		fmt.Fprintln(t.all, l.String())
	}
}

// last gives the lines kept, oldest first.
func (t *trace) last() string {
	var b strings.Builder
	for i := max(0, t.n-traceKept); i < t.n; i++ {
		b.WriteString(t.kept[i%traceKept].String())
		b.WriteByte('\n')
	}
	return b.String()
}
