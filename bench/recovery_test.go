package bench

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func shortRecovery(t *testing.T, change func(*fakeProgram)) RecoveryOptions {
	return RecoveryOptions{
		Program: fakePrograms(change), Kills: 2, Load: 200, Endpoints: 3, Waiting: 300, Seconds: 200 * time.Millisecond,
		Rate: 100, Burst: 20, Events: 70, Patience: 10 * time.Second, DataDir: t.TempDir(), Seed: 7,
	}
}

func TestRecovery(t *testing.T) {
	var out bytes.Buffer
	o := shortRecovery(t, nil)
	o.Stdout, o.Report = &out, t.TempDir()
	report, err := Recovery(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	k := report.Recovery.Kill
	if len(k.Restarts) != 2 || k.Owed == 0 || k.Owed != 2*k.Accepted || k.Lost != 0 || !k.AuditOK || k.Seed != 7 {
		t.Errorf("kill: %+v", k)
	}
	for _, r := range k.Restarts {
		if r.First <= 0 || r.CaughtUp < r.First {
			t.Errorf("restart: %+v", r)
		}
	}
	w := report.Recovery.Waiting
	if w.Lost != 0 || w.Full <= 0 || w.P99 <= 0 || w.PeakPerSecond == 0 || w.RSSMiB["all"] != 1 || w.RSSMiB["waiting"] != 1 || len(w.Arrivals) == 0 {
		t.Errorf("waiting: %+v", w)
	}
	if w.OfPace <= 1 {
		t.Errorf("the fake falls upon the endpoint as a herd, and is said to keep %.2f of the pace", w.OfPace)
	}
	r := report.Recovery.Rate
	// A window begins with an arrival, so it may count one more than its share.
	oneMore := 1 / (r.Rate * (r.Took / 2).Seconds())
	if r.AtOnce > 20 || r.Share < 0.5 || r.Share > 1.1 || r.LeastShare > r.Share+oneMore || r.Took < 400*time.Millisecond {
		t.Errorf("rate: %+v", r)
	}
	checkLines(t, out.String(), 2+1+1+1)
	checkReport(t, o.Report, report)
}

func TestRecoveryTellsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, measured, want string
		patience             time.Duration
		change               func(*fakeProgram)
	}{
		{"what was under way is forgotten", CaseKill, "deliveries are lost", 500 * time.Millisecond, func(p *fakeProgram) { p.forgets = true }},
		{"what waits is forgotten", CaseWaiting, "deliveries had arrived", 500 * time.Millisecond, func(p *fakeProgram) { p.forgets = true }},
		{"the rate is not kept", CaseRate, "the burst is 20", time.Minute, func(p *fakeProgram) { p.hurries = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := shortRecovery(t, c.change)
			o.Cases, o.Patience, o.Limit = []string{c.measured}, c.patience, 500*time.Millisecond
			if _, err := Recovery(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestRecoveryOptionsAreChecked(t *testing.T) {
	program := fakePrograms(nil)
	for field, o := range map[string]RecoveryOptions{
		"program":   {},
		"cases":     {Program: program, Cases: []string{"rain"}},
		"kills":     {Program: program, Kills: -1},
		"load":      {Program: program, Load: 1},
		"fan_out":   {Program: program, FanOut: 3, Endpoints: 2},
		"endpoints": {Program: program, Endpoints: 20_000},
		"waiting":   {Program: program, Waiting: -1},
		"seconds":   {Program: program, Seconds: 1},
		"rate":      {Program: program, Burst: 100, Events: 100},
	} {
		_, err := Recovery(t.Context(), o)
		isField(t, err, field)
	}
}

func at(seconds ...float64) []time.Time {
	times := make([]time.Time, len(seconds))
	for i, s := range seconds {
		times[i] = time.Unix(1_800_000_000, 0).Add(time.Duration(s * float64(time.Second)))
	}
	return times
}

func TestAtOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		times []time.Time
		want  float64
	}{
		{"one", at(0), 1},
		{"all at the same time", at(0, 0, 0, 0), 4},
		{"just the rate", at(0, 0.5, 1, 1.5), 1},
		{"slower", at(0, 1, 2, 3), 1},
		{"a burst, then the rate", at(0, 0, 0, 0.5, 1), 3},
		{"a burst in the middle", at(0, 10, 10, 10, 10.25), 3.5},
	} {
		if got := atOnce(c.times, 2); got < c.want-1e-6 || got > c.want+1e-6 {
			t.Errorf("%s: %f at once, want %f", c.name, got, c.want)
		}
	}
}

// atOnce looks at all windows, in one pass.
func TestAtOnceIsThatOfAllWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 100).Draw(t, "rate")
		gaps := rapid.SliceOfN(rapid.Float64Range(0, 3), 1, 50).Draw(t, "gaps")
		for i := 1; i < len(gaps); i++ {
			gaps[i] += gaps[i-1]
		}
		times, want := at(gaps...), 0.0
		for i := range times {
			for j := i; j < len(times); j++ {
				want = max(want, float64(j-i+1)-rate*times[j].Sub(times[i]).Seconds())
			}
		}
		if got := atOnce(times, rate); got < want-1e-6 || got > want+1e-6 {
			t.Fatalf("%f at once, want %f", got, want)
		}
	})
}

func TestShares(t *testing.T) {
	steady := at(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4)
	if got := leastShare(steady, 2, 2*time.Second); got != 1 {
		t.Errorf("a steady pace uses %f of the rate", got)
	}
	idle := at(0, 0.5, 1, 2.5, 3, 3.5, 4)
	if got := leastShare(idle, 2, 2*time.Second); got != 0.5 {
		t.Errorf("with two left out of four %f of the rate is used", got)
	}
	if got := longestGap(idle); got != 1500*time.Millisecond {
		t.Errorf("the longest gap is %s", got)
	}
	if got := share(8, 4*time.Second, 2); got != 1 {
		t.Errorf("got %f", got)
	}
}

// What keeps to the growing pace is below 1, what comes at once far above.
func TestOfPace(t *testing.T) {
	var growing []float64
	for s := 0.0; s < 45; s += 1 / (10 * math.Exp2(s/5)) {
		growing = append(growing, s)
	}
	if got := ofPace(at(growing...)); got > 1 || got < 0.5 {
		t.Errorf("a growing pace is %f of what is allowed", got)
	}
	if got := ofPace(at(make([]float64, 1000)...)); got < 40 {
		t.Errorf("a herd is %f of what is allowed", got)
	}
}
