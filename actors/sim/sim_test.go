package sim

import (
	"flag"
	"os"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "the one seed that TestSeed runs, with its whole trace")
	seeds = flag.Uint64("seeds", manySeeds, "how many seeds TestInvariantsHold runs")
	from  = flag.Uint64("from", 1, "its first seed")
	most  = flag.Int("enough", 20, "how many breaches are enough")
	limit = flag.Duration("for", 0, "how long it goes on, at most; 0: until all seeds have run")
)

func TestInvariantsHold(t *testing.T) {
	sum, breaches, began := Result{}, 0, time.Now()
	for s := *from; s < *from+*seeds && (*limit == 0 || time.Since(began) < *limit); s++ {
		r := Run(Options{Seed: s})
		sum.Add(r)
		if r.Breach == nil {
			continue
		}
		t.Errorf("%v\nreplay: go test ./actors/sim -run 'TestSeed$' -seed=%d -v", r.Breach, s)
		if breaches++; breaches == *most {
			t.Error("that is enough")
			break
		}
	}
	t.Logf("%s%d breaches, in %.0f s", sum.String(), breaches, time.Since(began).Seconds())
}

// TestSeed replays one run: go test ./actors/sim -run 'TestSeed$' -seed=N -v
func TestSeed(t *testing.T) {
	o := Options{Seed: max(1, *seed)}
	if *seed != 0 {
		o.Trace = os.Stdout
	}
	r := Run(o)
	t.Log(r.String())
	if r.Breach != nil {
		t.Fatal(r.Breach)
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	seen := map[uint64]uint64{}
	for s := range uint64(someSeeds) {
		a, b := Run(Options{Seed: 7000 + s}), Run(Options{Seed: 7000 + s})
		if a.Hash != b.Hash || a.Virtual != b.Virtual {
			t.Fatalf("seed %d went two ways: %d attempts in %v, %d in %v", 7000+s, a.Attempts, a.Virtual, b.Attempts, b.Virtual)
		}
		if was, same := seen[a.Hash]; same {
			t.Errorf("seeds %d and %d are the same run", was, 7000+s)
		}
		seen[a.Hash] = 7000 + s
	}
}

// The simulation must see what it is there for.
func TestThePlantedFaultsAreFound(t *testing.T) {
	plants := []struct {
		name      string
		plant     Plant
		invariant string
	}{
		{"the journal says too early that a record is durable", AckedEarly, "1: no ack before the outcome is durable"},
		{"a kill takes a segment with it", ForgotSegment, "2: owed = ended + waiting"},
		{"Retry-After does not reach the endpoint", IgnoredRetryAfter, "3: never sooner than Retry-After"},
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			found := map[string]bool{}
			for s := range uint64(300) {
				r := Run(Options{Seed: s + 1, Plant: p.plant})
				if r.Breach == nil {
					continue
				}
				if found[r.Breach.Invariant] = true; found[p.invariant] {
					t.Logf("seed %d: %s", s+1, r.Breach.What)
					return
				}
			}
			t.Errorf("300 seeds do not break %q, but %v: the simulation is blind to it", p.invariant, found)
		})
	}
}
