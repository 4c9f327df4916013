package matching

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// BenchmarkLookup looks up detections that are loaded already.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("exact/alerts=%d", n), func(b *testing.B) {
			x, g, each := filled(b, n, 0)
			probes := make([]Probe, 2048)
			for i, d := range detections(g, len(probes)) {
				probes[i].Load(&d)
			}
			var hits []Hit
			for i := 0; b.Loop(); i++ {
				hits = x.Match(hits[:0], &probes[i%len(probes)], nil)
			}
			report(b, each)
		})
	}
}

// BenchmarkMatch loads parsed detections and looks them up.
func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name    string
		sizes   []int
		percent int
		kinds   []Kind
	}{
		{"exact", []int{1_000, 100_000, 1_000_000}, 0, nil},
		{"special=1%", []int{100_000, 1_000_000}, 1, []Kind{Wildcard, Lookalike, DeepSearch}},
		{"lookalike", []int{1_000, 100_000}, 100, []Kind{Lookalike}},
		{"wildcard", []int{1_000, 100_000}, 100, []Kind{Wildcard}},
		{"one_difference", []int{1_000, 100_000}, 100, []Kind{OneDifference}},
		{"two_differences", []int{1_000, 100_000}, 100, []Kind{TwoDifferences}},
		{"deep_search", []int{1_000, 100_000}, 100, []Kind{DeepSearch}},
	} {
		for _, n := range c.sizes {
			b.Run(fmt.Sprintf("%s/alerts=%d", c.name, n), func(b *testing.B) {
				x, g, each := filled(b, n, c.percent, c.kinds...)
				seen := detections(g, 2048)
				var p Probe
				var hits []Hit
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p.Load(&seen[i%len(seen)])
					hits = x.Match(hits[:0], &p, nil)
				}
				report(b, each)
			})
		}
	}
}

func detections(g *Generator, n int) []Detection {
	detections := make([]Detection, n)
	for i := range detections {
		detections[i] = g.Detection()
	}
	return detections
}

func report(b *testing.B, each float64) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "detections/s")
	if each > 0 {
		b.ReportMetric(each, "B/alert")
	}
}

// filled is an index of n alerts, of which percent are of the kinds in turn,
// with the generator that made them and the heap bytes of each.
func filled(tb testing.TB, n, percent int, kinds ...Kind) (*Index, *Generator, float64) {
	g, x := NewGenerator(1), NewIndex()
	before := heap()
	for i := range n {
		kind := Exact
		if i%100 < percent {
			kind = kinds[i/max(1, 100/percent)%len(kinds)]
		}
		if err := x.Put(g.Alert("acme", kind)); err != nil {
			tb.Fatal(err)
		}
	}
	each := float64(heap()-before) / float64(n)
	return x, g, each
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMatchParallel matches on all cores, while in "changed" one more
// goroutine replaces alerts as fast as it can.
func BenchmarkMatchParallel(b *testing.B) {
	for _, changed := range []bool{false, true} {
		b.Run(fmt.Sprintf("changed=%t", changed), func(b *testing.B) {
			x, g, _ := filled(b, 100_000, 1, Wildcard, Lookalike, DeepSearch)
			seen := detections(g, 2048)
			done := make(chan struct{})
			var writer sync.WaitGroup
			if changed {
				writer.Go(func() { replace(x, done) })
			}
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var p Probe
				var hits []Hit
				for i := 0; pb.Next(); i++ {
					p.Load(&seen[i%len(seen)])
					hits = x.Match(hits[:0], &p, nil)
				}
			})
			b.StopTimer()
			close(done)
			writer.Wait()
			report(b, 0)
		})
	}
}

// replace puts alerts until done.
func replace(x *Index, done <-chan struct{}) {
	g := NewGenerator(4)
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		a := g.Alert("acme", Kind(i%6))
		a.ID = fmt.Sprint(i % 1000)
		if x.Put(a) != nil {
			return
		}
	}
}

func documents(n int) [][]byte {
	g := NewGenerator(2)
	docs := make([][]byte, n)
	for i := range docs {
		d := g.Detection()
		docs[i] = d.AppendJSON(nil)
	}
	return docs
}

// BenchmarkDecode reads detection documents of about 600 bytes.
func BenchmarkDecode(b *testing.B) {
	docs := documents(4096)
	var d Detection
	b.SetBytes(int64(len(docs[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := d.Decode(docs[i%len(docs)], time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad makes detections ready, with their words read and without.
func BenchmarkLoad(b *testing.B) {
	for _, words := range []bool{false, true} {
		b.Run(fmt.Sprintf("words=%t", words), func(b *testing.B) {
			seen := detections(NewGenerator(2), 512)
			var p Probe
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p.Load(&seen[i%len(seen)])
				if words {
					p.allWords()
				}
			}
		})
	}
}

// BenchmarkDocument is the whole way from a document to its hits.
func BenchmarkDocument(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("alerts=%d", n), func(b *testing.B) {
			x, _, _ := filled(b, n, 1, Wildcard, Lookalike, DeepSearch)
			docs := documents(4096)
			var d Detection
			var p Probe
			var hits []Hit
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := d.Decode(docs[i%len(docs)], time.Time{}); err != nil {
					b.Fatal(err)
				}
				p.Load(&d)
				hits = x.Match(hits[:0], &p, nil)
			}
			report(b, 0)
		})
	}
}

// BenchmarkScan checks every alert exactly, without the index: what Match is
// compared with.
func BenchmarkScan(b *testing.B) {
	x, g, _ := filled(b, 100_000, 0)
	d := g.Detection()
	var p Probe
	p.Load(&d)
	var hits []Hit
	for b.Loop() {
		hits = x.Scan(hits[:0], &p)
	}
	report(b, 0)
}

// BenchmarkPut replaces alerts in an index of 100,000.
func BenchmarkPut(b *testing.B) {
	x, g, _ := filled(b, 100_000, 1, TwoDifferences)
	alerts := make([]*Alert, 4096)
	for i := range alerts {
		alerts[i] = g.Alert("acme", Kind(rand.IntN(int(DeepSearch)+1)))
	}
	for i := 0; b.Loop(); i++ {
		if err := x.Put(alerts[i%len(alerts)]); err != nil {
			b.Fatal(err)
		}
	}
}
