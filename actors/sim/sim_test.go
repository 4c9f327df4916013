package sim

import (
	"flag"
	"os"
	"strconv"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 0, "the one seed to run, with its whole trace")

// fewer seeds are run under the race detector: all happens on one goroutine,
// and each takes ten times as long.
func seeds() int {
	if raceDetector {
		return 60
	}
	return 1000
}

func TestInvariantsHold(t *testing.T) {
	sum := Result{}
	for s := range uint64(seeds()) {
		r := Run(Options{Seed: s + 1})
		if r.Breach != nil {
			t.Fatalf("%v\nreplay: go test ./actors/sim -run TestSeed -seed=%d -v", r.Breach, s+1)
		}
		sum.Add(r)
	}
	t.Log(sum.String())
}

// TestSeed replays one run: go test ./actors/sim -run TestSeed -seed=N -v
func TestSeed(t *testing.T) {
	s, o := *seed, Options{Seed: *seed}
	if s == 0 {
		o.Seed = 1
	} else {
		o.Trace = os.Stdout
	}
	r := Run(o)
	t.Log(r.String())
	if r.Breach != nil {
		t.Fatal(r.Breach)
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	for s := range uint64(20) {
		a, b := Run(Options{Seed: 7000 + s}), Run(Options{Seed: 7000 + s})
		if a.Hash != b.Hash || a.Virtual != b.Virtual {
			t.Fatalf("seed %d went two ways: %d attempts in %v, %d in %v", 7000+s, a.Attempts, a.Virtual, b.Attempts, b.Virtual)
		}
	}
}

func TestThePlantedFaultsAreFound(t *testing.T) {
	plants := map[string]Plant{
		"the journal acks early":        AckedEarly,
		"a kill forgets a segment":      ForgotSegment,
		"Retry-After does not arrive":   IgnoredRetryAfter,
		"a recovery forgets what ended": ForgotEnds,
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			for s := range uint64(300) {
				if r := Run(Options{Seed: s + 1, Plant: plant}); r.Breach != nil {
					t.Logf("seed %d: %s: %s", s+1, r.Breach.Invariant, r.Breach.What)
					return
				}
			}
			t.Error("not seen in 300 seeds: the simulation is blind to it")
		})
	}
}

// TestSoak runs SIM_SEEDS seeds from SIM_FROM on, or as many as SIM_TIME allows.
func TestSoak(t *testing.T) {
	most, _ := strconv.ParseUint(os.Getenv("SIM_SEEDS"), 10, 64)
	limit, _ := time.ParseDuration(os.Getenv("SIM_TIME"))
	from, _ := strconv.ParseUint(os.Getenv("SIM_FROM"), 10, 64)
	if most == 0 && limit == 0 {
		t.Skip("make sim-soak runs this, with SIM_SEEDS or SIM_TIME")
	}
	sum, breaches, began := Result{}, 0, time.Now()
	for s := from + 1; (most == 0 || s <= from+most) && (limit == 0 || time.Since(began) < limit); s++ {
		r := Run(Options{Seed: s})
		sum.Add(r)
		if r.Breach != nil {
			breaches++
			t.Errorf("%v", r.Breach)
		}
	}
	t.Logf("%sbreaches %d, %.0f s", sum.String(), breaches, time.Since(began).Seconds())
}
