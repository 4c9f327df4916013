package main

import (
	"fmt"
	"io"
	"time"
)

// progress shows how far long work has come, on a terminal alone.
type progress struct {
	w     io.Writer // nil where nothing is shown
	verb  string
	total int // 0 where it is not known
	last  time.Time
}

func (a *app) progress(verb string, total int) *progress {
	p := &progress{verb: verb, total: total}
	if isTerminal(a.stderr) {
		p.w = a.stderr
	}
	return p
}

// show tells that n are done; it draws ten times a second at most.
func (p *progress) show(n int) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	of := ""
	if p.total > 0 {
		of = " of " + grouped(uint64(p.total))
	}
	fmt.Fprintf(p.w, "\r%s %s%s", p.verb, grouped(uint64(n)), of)
}

// end clears the line.
func (p *progress) end() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
