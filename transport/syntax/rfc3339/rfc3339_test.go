package rfc3339

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"2026-11-30T14:00:00Z":                     "2026-11-30T14:00:00Z",
		"2026-11-30t14:00:00z":                     "2026-11-30T14:00:00Z",
		"2026-11-30 14:00:00Z":                     "2026-11-30T14:00:00Z",
		"2026-11-30t14:00:00.123456789123z":        "2026-11-30T14:00:00.123456789Z",
		"2026-11-30T14:00:00+05:45":                "2026-11-30T08:15:00Z",
		"2026-11-30T14:00:00-00:00":                "2026-11-30T14:00:00Z",
		"2026-11-30t14:00:00-23:59":                "2026-12-01T13:59:00Z",
		"2016-12-31T23:59:60Z":                     "2017-01-01T00:00:00Z",
		"2016-12-31t23:59:60.25z":                  "2017-01-01T00:00:00.25Z",
		"1990-12-31T15:59:60-08:00":                "1991-01-01T00:00:00Z",
		"2017-01-01T05:29:60+05:30":                "2017-01-01T00:00:00Z",
		"2026-11-30T14:00:60Z":                     "",
		"2026-11-30T23:59:61Z":                     "",
		"2026-02-30T00:00:00Z":                     "",
		"2026-11-30T14:00:00":                      "",
		"2026-11-30":                               "",
		"2026-11-30x14:00:00Z":                     "",
		"":                                         "",
		"                                        ": "",
	} {
		got, ok := Parse(s)
		if ok != (want != "") || ok && got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v; want %s", s, got, ok, want)
		}
	}
}

// FuzzParse: what time.Parse reads is read as it does, and what is read beyond
// that, written in capitals, is the same time.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2026-11-30t14:00:00z", "2016-12-31T23:59:60+00:00", "2026-11-30T14:00:00.5-01:30", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Parse(s)
		want, err := time.Parse(time.RFC3339, s)
		if err == nil && (!ok || !got.Equal(want)) {
			t.Fatalf("%q: %v, %v; time.Parse reads %v", s, got, ok, want)
		}
		if !ok {
			return
		}
		if again, ok := Parse(got.UTC().Format(time.RFC3339Nano)); got.UTC().Year() >= 0 && got.UTC().Year() <= 9999 && (!ok || !again.Equal(got)) {
			t.Fatalf("%q became %v, then %v", s, got, again)
		}
	})
}
