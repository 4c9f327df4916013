package endpoint

import (
	"testing"
	"time"
)

func TestALimitThatChangesKeepsWhatWasUsed(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	cases := []struct {
		name    string
		rate    float64
		burst   int
		used    int
		newRate float64
		newTo   int
		free    int
	}{
		{"another rate", 10, 10, 4, 1, 10, 6},
		{"a larger burst", 10, 10, 4, 10, 100, 96},
		{"a smaller burst", 10, 10, 4, 10, 5, 1},
		{"smaller than what was used", 10, 10, 8, 10, 5, 0},
		{"the first limit", 0, 0, 0, 10, 5, 5},
	}
	for _, c := range cases {
		var l limiter
		l.set(now, c.rate, c.burst)
		for range c.used {
			l.answered(now)
		}
		if l.set(now, c.newRate, c.newTo); l.free(now, 0) != c.free {
			t.Errorf("%s: %d may go, want %d", c.name, l.free(now, 0), c.free)
		}
	}
}

func TestALimitTellsWhenThereIsRoom(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var l limiter
	if ok, _ := l.ready(now, 1000); !ok {
		t.Error("without a limit there is always room")
	}
	l.set(now, 0.5, 2)
	if ok, at := l.ready(now, 2); ok || !at.IsZero() {
		t.Errorf("two in flight of two: %t, %s", ok, at)
	}
	l.answered(now)
	l.answered(now)
	l.answered(now) // sent twice within an attempt
	if ok, at := l.ready(now, 0); ok || at.Sub(now) != 4*time.Second {
		t.Errorf("ready in %s", at.Sub(now))
	}
	l.answered(now.Add(-time.Hour)) // no time goes by twice
	if ok, at := l.ready(now, 0); ok || at.Sub(now) != 6*time.Second {
		t.Errorf("ready in %s", at.Sub(now))
	}
	if ok, _ := l.ready(now.Add(6*time.Second), 0); !ok {
		t.Error("not ready at the time that was told")
	}
	if l.refill() != 4*time.Second {
		t.Errorf("full after %s", l.refill())
	}
}
