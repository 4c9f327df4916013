package webhook

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for value, wait := range map[string]time.Duration{
		"":                           0,
		"0":                          0,
		"120":                        2 * time.Minute,
		" 5 ":                        5 * time.Second,
		"86400":                      24 * time.Hour,
		"86401":                      24 * time.Hour,
		"99999999999999999999999999": 24 * time.Hour,
		"-1":                         0,
		"soon":                       0,
		"NaN":                        0,
		"Infinity":                   0,
		"0x10":                       0,

		// Fractions are rounded up: never too soon.
		"1.5":     2 * time.Second,
		"600.5":   601 * time.Second,
		"299.997": 300 * time.Second,
		"600.":    600 * time.Second,
		".5":      time.Second,
		"30s":     30 * time.Second,
		"30 sec":  30 * time.Second,
		`"30"`:    30 * time.Second,

		// Lists: the longest counts.
		"600, 600":                         600 * time.Second,
		"5, 600":                           600 * time.Second,
		"600,":                             600 * time.Second,
		"5, Sat, 21 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sat, 21 Nov 2026 12:00:30 GMT, Sat, 21 Nov 2026 12:00:40 GMT": 40 * time.Second,

		// Dates of HTTP, and what is close to them.
		"Sat, 21 Nov 2026 12:00:30 GMT":       30 * time.Second,
		"Sat, 21 Nov 2026 11:00:00 GMT":       0,
		"Sun, 21 Nov 2027 12:00:00 GMT":       24 * time.Hour,
		"Sat Nov 21 12:01:00 2026":            time.Minute,
		"Sat Nov 21 12:01:00 UTC 2026":        time.Minute,
		"Saturday, 21-Nov-26 12:01:00 GMT":    time.Minute,
		"Sat, 21-Nov-2026 12:01:00 GMT":       time.Minute,
		"Sat, 21 Nov 2026 12:01:00 -0000":     time.Minute,
		"Sat, 21 Nov 2026 12:01:00 +0000":     time.Minute,
		"Sat, 21 Nov 2026 12:01:00 UTC":       time.Minute,
		"Sat, 21 Nov 2026 12:01:00 Z":         time.Minute,
		"Sat, 21 Nov 2026 12:01:00":           time.Minute,
		"Sat, 21 Nov 2026 13:01:00 +0100":     time.Minute,
		"Sat, 21 Nov 2026 13:01:00 CET":       time.Minute,
		"Sat, 21 Nov 2026 07:01:00 EST":       time.Minute,
		"Sat, 21 Nov 2026 07:01:00 GMT-0500":  time.Minute,
		"Sat, 21 Nov 2026 12:01:00 GMT+00:00": time.Minute,
		"sat, 21 nov 2026 12:01:00 gmt":       time.Minute,
		"21 Nov 2026 12:01:00 GMT":            time.Minute,
		"Sat, 21 Nov 2026 12:00:00.5 GMT":     time.Second,
		"Sat, 21 Nov 2026 12:59:60 GMT":       time.Hour,

		// ISO 8601.
		"2026-11-21T12:01:00Z":      time.Minute,
		"2026-11-21t12:01:00z":      time.Minute,
		"2026-11-21T12:01:00.250Z":  61 * time.Second,
		"2026-11-21T14:01:00+02:00": time.Minute,
		"2026-11-21T14:01:00+0200":  time.Minute,
		"2026-11-21T14:01:00+02":    time.Minute,
		"2026-11-21 12:01:00":       time.Minute,
		"20261121T120100Z":          time.Minute,
		"2026-11-22":                12 * time.Hour,
		"PT1M30S":                   90 * time.Second,
		"P1D":                       24 * time.Hour,

		// Unix seconds and milliseconds; nobody asks for thirty years.
		"1795262460":    time.Minute,
		"1795262460.5":  61 * time.Second,
		"1795262460000": time.Minute,
		"1795262000":    0,
		"1895262460":    24 * time.Hour,
	} {
		if got := retryAfter([]string{value}, now); got != wait {
			t.Errorf("%q: %v, want %v", value, got, wait)
		}
	}
	if got := retryAfter([]string{"5", "600", "x"}, now); got != 600*time.Second {
		t.Errorf("of three lines %v was taken", got)
	}
	if got := retryAfter(nil, now); got != 0 {
		t.Errorf("none: %v", got)
	}
}

// FuzzRetryAfter: whatever a receiver writes, the wait is within bounds and
// whole seconds, and a second value never makes it shorter.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "600.5", "5, 600", "Sat, 21 Nov 2026 12:00:30 GMT", "Sat, 21 Nov 2026 07:01:00 GMT-0500",
		"2026-11-21T14:01:00+02:00", "PT1M30S", "1795262460", "9223372036854775808", "\x00", "1e9", "21 Nov 2026 23:59:60 XYZ"} {
		f.Add(seed, int64(1795283000))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		now := time.Unix(unix%(1<<40), 0)
		d := retryAfter([]string{value}, now)
		if d < 0 || d > transport.MaxRetryWait || d%time.Second != 0 {
			t.Errorf("%q at %d: %v", value, unix, d)
		}
		if both := retryAfter([]string{value, "30"}, now); both != max(d, 30*time.Second) {
			t.Errorf("%q at %d: %v, with 30 %v", value, unix, d, both)
		}
	})
}
