package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// frames counts what the browser draws, and the longest time that it did not.
const frames = `window.drawn = { n: 0, worst: 0, last: performance.now() };
	const draw = (at) => { drawn.n++; drawn.worst = Math.max(drawn.worst, at - drawn.last); drawn.last = at; requestAnimationFrame(draw); };
	requestAnimationFrame(draw); true`

const countDrawn = `({ N: drawn.n, Worst: drawn.worst })`

// framesDrawn is what frames counted.
type framesDrawn struct{ N, Worst float64 }

// busyTime is how long the tab's main thread ran, in seconds of its processor
// time: what others on the machine do is not in it.
type busyTime struct{ task, script, layout float64 }

func (b busyTime) minus(old busyTime) busyTime {
	return busyTime{b.task - old.task, b.script - old.script, b.layout - old.layout}
}

// busy is how long it ran until now.
func (p *tab) busy() (b busyTime) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
		p.t.Fatal(err)
	}
	got, err := chromedp.Call(p.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range got.Metrics {
		switch m.Name {
		case "TaskDuration":
			b.task = m.Value
		case "ScriptDuration":
			b.script = m.Value
		case "LayoutDuration", "RecalcStyleDuration":
			b.layout += m.Value
		}
	}
	return b
}

// quiet is what the machine gives the same tab while nothing comes.
func (f *figures) quiet(p *tab) {
	f.t.Helper()
	began := time.Now()
	<-time.After(min(5*time.Second, f.scale.feed))
	drawn, lasted := js[framesDrawn](p, countDrawn), time.Since(began).Seconds()
	figure("feed=none", int(lasted), drawn.N/lasted, "frames/s", drawn.Worst, "longest-frame-ms")
	js[bool](p, `drawn.n = drawn.worst = 0; true`)
}

// profileFrom begins a profile of the tab's script, where PAGE_PROFILE names a file for it.
func (p *tab) profileFrom() {
	p.t.Helper()
	if os.Getenv("PAGE_PROFILE") == "" {
		return
	}
	if _, err := chromedp.Call(p.ctx, profiler.Enable, cdp.Empty{}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, profiler.Start, cdp.Empty{}); err != nil {
		p.t.Fatal(err)
	}
}

// profileTo writes it, as the developer tools of browsers read it.
func (p *tab) profileTo(file string) {
	p.t.Helper()
	if file == "" {
		return
	}
	got, err := chromedp.Call(p.ctx, profiler.Stop, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	raw, err := json.Marshal(got.Profile)
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// follow has the live list shown while deliveries come at a rate.
func (f *figures) follow(b *browser) {
	f.t.Helper()
	p := f.fresh(b)
	p.open("/ui/deliveries")
	p.await("the list", rows+" > 0")
	js[bool](p, frames)
	f.quiet(p)
	first, busy := p.heap(), p.busy()
	p.profileFrom()
	ctx, stop := context.WithTimeout(f.t.Context(), f.scale.feed)
	defer stop()
	fed := make(chan struct{})
	began, before := time.Now(), f.sent
	go func() {
		defer close(fed)
		f.feed(ctx)
	}()
	var heaps []float64
	mostElements := 0
	for done := false; !done; {
		select {
		case <-fed:
			done = true
		case <-time.After(min(10*time.Second, f.scale.feed/3)):
		}
		heaps = append(heaps, p.heap())
		if n := js[int](p, "document.querySelectorAll('*').length"); n > mostElements {
			mostElements = n
		}
	}
	lasted := time.Since(began)
	drawn := js[framesDrawn](p, countDrawn)
	busy = p.busy().minus(busy)
	p.profileTo(os.Getenv("PAGE_PROFILE"))
	told := js[string](p, "document.querySelector('.sampled')?.innerText ?? ''")
	rate := float64(f.sent-before) / lasted.Seconds()
	f.awaitFor(10*time.Minute, "all to be delivered", func() bool { return f.received.Load() >= f.sent })
	p.await("a whole list once it is quiet", rows+" === 100 && !document.querySelector('.sampled')")
	last := p.heap()
	each := 1000 / lasted.Seconds()
	figure("feed", int(lasted.Seconds()), rate, "deliveries/s", drawn.N/lasted.Seconds(), "frames/s", drawn.Worst, "longest-frame-ms", busy.task*each, "busy-ms/s", busy.script*each, "script-ms/s", busy.layout*each, "layout-ms/s", first, "heap-before-MiB", slices.Max(heaps), "heap-most-MiB", last, "heap-after-MiB", float64(mostElements), "most-elements")
	f.t.Logf("the page told: %q; heap each time: %.1f", told, heaps)
	if mostElements > mostNodes {
		f.t.Errorf("%d elements under the feed", mostElements)
	}
	if os.Getenv("PAGE_FIGURES") != "" && told == "" {
		f.t.Error("more came than is shown, and the page did not tell")
	}
	if last > first+16 {
		f.t.Errorf("the tab kept %.1f MiB more than before", last-first)
	}
}

// feed publishes at the scale's rate until ctx ends: what is late is made up for.
func (f *figures) feed(ctx context.Context) {
	const every = 100 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	began, done := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due := int(time.Since(began).Seconds() * float64(f.scale.rate) / fanOut)
			for done < due {
				n := min(1000, due-done)
				f.publish(n)
				done += n
			}
		}
	}
}

// heap is what the tab's script holds after a collection, in MiB.
func (p *tab) heap() float64 {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
		p.t.Fatal(err)
	}
	used, err := chromedp.Call(p.ctx, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	return used.UsedSize / (1 << 20)
}
