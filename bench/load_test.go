package bench

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Each event goes to FanOut endpoints, each endpoint gets FanOut types.
func TestWantedBy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Case{kind: load, FanOut: rapid.IntRange(1, 20).Draw(t, "fan-out")}
		c.Endpoints = rapid.IntRange(c.FanOut, 100).Draw(t, "endpoints")
		wanted := map[string]int{}
		for i := range c.Endpoints {
			types := c.wantedBy(i)
			slices.Sort(types)
			if len(slices.Compact(types)) != c.FanOut {
				t.Fatalf("endpoint %d wants %v", i, types)
			}
			for _, k := range types {
				wanted[k]++
			}
		}
		for k := range c.Endpoints {
			if got := wanted[c.eventType(k)]; got != c.FanOut {
				t.Fatalf("%s goes to %d endpoints, not %d", c.eventType(k), got, c.FanOut)
			}
		}
	})
}

func TestBacklogHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog(Case{FanOut: 1})
		if err := b.reserve(t.Context(), b.limit); err != nil {
			t.Fatal(err)
		}
		reserved := make(chan error, 1)
		go func() { reserved <- b.reserve(t.Context(), 10) }()
		b.seen(9)
		synctest.Wait()
		if len(reserved) != 0 {
			t.Fatal("there was no room yet")
		}
		b.seen(10)
		if err := <-reserved; err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { reserved <- b.reserve(ctx, 1) }()
		synctest.Wait()
		cancel()
		if err := <-reserved; err == nil {
			t.Error("reserved after its context had ended")
		}
	})
}

// A publisher that is held up for a second makes up for it, with the times
// that were meant.
func TestOpenLoopKeepsIntendedTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := &openLoop{start: start, pacer: Constant(100, 3*time.Second)}
		var got []time.Time
		for {
			times := l.due(t.Context())
			if len(times) == 0 {
				break
			}
			if got = append(got, times...); len(got) == 50 {
				time.Sleep(time.Second)
			}
		}
		if len(got) != 300 {
			t.Fatalf("%d events, want 300", len(got))
		}
		for i, at := range got {
			if want := start.Add(time.Duration(i) * 10 * time.Millisecond); at.Sub(want).Abs() > time.Microsecond {
				t.Errorf("event %d is meant for %s after the start", i, at.Sub(start))
			}
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestGrowth(t *testing.T) {
	var samples []MemorySample
	for i := range 60 {
		samples = append(samples, MemorySample{At: time.Duration(i) * time.Second, RSSMiB: 100 + float64(i)/2})
	}
	if got := growth(samples); got < 29.99 || got > 30.01 {
		t.Errorf("half a MiB a second is %f MiB a minute", got)
	}
	if got := growth(samples[:1]); got != 0 {
		t.Errorf("one sample grows by %f", got)
	}
}

func TestFileSystem(t *testing.T) {
	const mounts = "rootfs / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nx /tmp/disk xfs rw 0 0\n"
	for dir, want := range map[string]string{"/var": "ext4", "/tmp": "tmpfs", "/tmp/a": "tmpfs", "/tmp/disk/a": "xfs", "/tmpx": "ext4"} {
		if got := fileSystem(mounts, dir); got != want {
			t.Errorf("%s is on %q, want %q", dir, got, want)
		}
	}
}
