package bench

import (
	"os"
	"path/filepath"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"time"
)

// MemorySample is what a process held at a time since the sampling began.
type MemorySample struct {
	At time.Duration `json:"at_ns"`
	// RSSMiB is resident; HeapMiB what Go's live and not yet swept objects take,
	// 0 of another process.
	RSSMiB  float64 `json:"rss_mib"`
	HeapMiB float64 `json:"heap_mib"`
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// memorySampler samples until it is stopped.
type memorySampler struct {
	now     func(at time.Duration) MemorySample
	quit    chan struct{}
	samples chan []MemorySample
}

func sampleMemory(each time.Duration) *memorySampler { return sampler(each, memoryNow) }

func sampler(each time.Duration, now func(time.Duration) MemorySample) *memorySampler {
	m := &memorySampler{now: now, quit: make(chan struct{}), samples: make(chan []MemorySample, 1)}
	go m.run(time.Now(), each)
	return m
}

func (m *memorySampler) run(start time.Time, each time.Duration) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	var all []MemorySample
	for {
		all = append(all, m.now(time.Since(start)))
		select {
		case <-tick.C:
		case <-m.quit:
			m.samples <- append(all, m.now(time.Since(start)))
			return
		}
	}
}

// stop returns the samples, oldest first; call it once.
func (m *memorySampler) stop() []MemorySample {
	close(m.quit)
	return <-m.samples
}

func memoryNow(at time.Duration) MemorySample {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	return MemorySample{At: at, RSSMiB: mib(residentMemory()), HeapMiB: mib(heap[0].Value.Uint64())}
}

func peak(samples []MemorySample) (most float64) {
	for _, s := range samples {
		most = max(most, s.RSSMiB)
	}
	return most
}

// growth is the slope of the resident memory in MiB a minute: least squares
// over the samples, 0 for fewer than two.
func growth(samples []MemorySample) float64 {
	var n, x, y, xx, xy float64
	for _, s := range samples {
		minutes := s.At.Minutes()
		n, x, y, xx, xy = n+1, x+minutes, y+s.RSSMiB, xx+minutes*minutes, xy+minutes*s.RSSMiB
	}
	if d := n*xx - x*x; d > 0 {
		return (n*xy - x*y) / d
	}
	return 0
}

// profile begins the processor profile of the full load, if one is asked for.
func (r *run) profile() (stop func() error, err error) {
	if r.o.CPUProfile == "" {
		return func() error { return nil }, nil
	}
	if r.c.Producer != "" {
		return r.profileProcess(), nil
	}
	f, err := os.Create(r.profilePath())
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

func (r *run) profilePath() string {
	path := r.o.CPUProfile
	if len(r.o.cases()) == 1 {
		return path
	}
	extension := filepath.Ext(path)
	return strings.TrimSuffix(path, extension) + "-" + strings.ReplaceAll(r.c.String(), "/", "-") + extension
}
