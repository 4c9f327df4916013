package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pulse samples a node's goroutines and memory, life by life: each kill begins
// another.
type pulse struct {
	node     *testNode
	profiler string
	quit     chan struct{}
	done     chan struct{}

	mu    sync.Mutex
	lives [][]heartbeat
}

// heartbeat is one sample. Of the goroutines those are left out that wait for
// the next attempt to make: up to 512 of them are kept by design. The heap is
// that after a collection.
type heartbeat struct {
	at              time.Time
	goroutines      int
	heapMiB, rssMiB float64
}

const (
	pulseEach = 2 * time.Second
	// What may be at rest beyond what was before: idle connections, a timer.
	goroutinesMore = 30
	// restLimit is what coming to rest may take.
	restLimit = time.Minute
	// heapMore is the most that the heap may grow over the second half of the
	// last life, and heapSlope the most in MiB a minute where that half is long
	// enough to tell, a minute.
	heapMore  = 32
	heapSlope = 2
)

func startPulse(n *testNode, profiler string) *pulse {
	p := &pulse{node: n, profiler: profiler, quit: make(chan struct{}), done: make(chan struct{}), lives: make([][]heartbeat, 1)}
	go p.run()
	return p
}

func (p *pulse) run() {
	defer close(p.done)
	tick := time.NewTicker(pulseEach)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
		}
		p.mu.Lock()
		life := len(p.lives)
		p.mu.Unlock()
		beat := p.take()
		p.mu.Lock()
		if beat.rssMiB > 0 && life == len(p.lives) {
			p.lives[life-1] = append(p.lives[life-1], beat)
		}
		p.mu.Unlock()
	}
}

func (p *pulse) stop() {
	close(p.quit)
	<-p.done
}

// anotherLife says that the node is about to be killed.
func (p *pulse) anotherLife() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives = append(p.lives, nil)
}

// take is a sample of now, zero of a node that is away.
func (p *pulse) take() heartbeat {
	if p.profile("heap?gc=1", 0) == "" { // for the collection alone
		return heartbeat{}
	}
	const mib = 1 << 20
	return heartbeat{at: time.Now(), goroutines: working(p.profile("goroutine?debug=1", 1<<20)),
		heapMiB: p.node.metric("go_memstats_heap_alloc_bytes") / mib, rssMiB: p.node.metric("process_resident_memory_bytes") / mib}
}

// profile is what the profiler answers, up to most bytes; empty of a node that
// is away.
func (p *pulse) profile(what string, most int64) string {
	resp, err := http.Get("http://" + p.profiler + "/debug/pprof/" + what)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return ""
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Status + "\n" + string(b)
}

// working counts the goroutines of a profile but those that wait for work: the
// ones whose innermost frame is the pool's own.
func working(profile string) (n int) {
	for group := range strings.SplitSeq(profile, "\n\n") {
		head, frames, _ := strings.Cut(group, "\n#")
		if first, _, _ := strings.Cut(frames, "\n"); strings.Contains(first, "endpoint.(*Pool).work") {
			continue
		}
		lines := strings.Split(head, "\n")
		count, _, _ := strings.Cut(lines[len(lines)-1], " @ ")
		of, _ := strconv.Atoi(count) // what is no count is no group
		n += of
	}
	return n
}

// calmDown waits until the goroutines are as few as at rest.
func (p *pulse) calmDown(goroutines int) (beat heartbeat) {
	p.node.t.Helper()
	for until := time.Now().Add(restLimit); ; time.Sleep(pulseEach) {
		beat = p.take()
		if beat.rssMiB > 0 && beat.goroutines <= goroutines+goroutinesMore {
			return beat
		}
		if time.Now().After(until) {
			p.node.t.Errorf("%d goroutines at rest, %d before:\n%s", beat.goroutines, goroutines, p.profile("goroutine?debug=1", 16<<10))
			return beat
		}
	}
}

// secondHalf is that of the last life.
func (p *pulse) secondHalf() []heartbeat {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.lives[len(p.lives)-1]
	return last[len(last)/2:]
}

func (p *pulse) lastHalf() time.Duration {
	half := p.secondHalf()
	if len(half) == 0 {
		return 0
	}
	return half[len(half)-1].at.Sub(half[0].at)
}

// growth is the slope of heap and resident memory over it, in MiB a minute.
func (p *pulse) growth() (heap, rss float64) {
	half := p.secondHalf()
	return slope(half, func(h heartbeat) float64 { return h.heapMiB }), slope(half, func(h heartbeat) float64 { return h.rssMiB })
}

// slope is that of least squares, a minute.
func slope(beats []heartbeat, of func(heartbeat) float64) float64 {
	var n, x, y, xx, xy float64
	for _, b := range beats {
		minutes, v := b.at.Sub(beats[0].at).Minutes(), of(b)
		n, x, y, xx, xy = n+1, x+minutes, y+v, xx+minutes*minutes, xy+minutes*v
	}
	if d := n*xx - x*x; d > 0 {
		return (n*xy - x*y) / d
	}
	return 0
}

// most is the highest resident memory over all lives.
func (p *pulse) most() (rss float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, life := range p.lives {
		for _, b := range life {
			rss = max(rss, b.rssMiB)
		}
	}
	return rss
}

// judge tells where memory grew.
func (p *pulse) judge() {
	p.node.t.Helper()
	heap, _ := p.growth()
	lasted := p.lastHalf()
	if heap*lasted.Minutes() > heapMore || lasted > time.Minute && heap > heapSlope {
		p.node.t.Errorf("the live heap grows by %.2f MiB a minute: %+v", heap, p.secondHalf())
	}
}
