package sim

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A fault is planted in the code that ships, and the simulation built with it,
// as a subprocess, must break the invariant. So what is proved is what ships:
// a model with a recovery or a cutting of its own would not see them.
func TestFaultsPlantedInTheShippedCodeAreSeen(t *testing.T) {
	for _, p := range []struct {
		name, file, good, bad string
		invariant             string
	}{
		{"recovery does not take in how what was due had ended", "actors/recovery/fold.go",
			"if known || again {", "if known && again || again {", "invariant 5: what is journaled is not sent again"},
		{"two segments have one name", "actors/recovery/cut.go",
			"\t\tc.n++\n", "", "invariant 1: no ack before the outcome is durable"},
		{"an event that is settled makes another lease", "actors/shard/lease.go",
			"s.settled.has(ev.Seq) || ", "", "invariant 5: what is journaled is not sent again"},
		{"the log is not filled up past what the journal names", "actors/recovery/taking.go",
			"t.reach(max(s.Floor, s.Reached.Event))", "t.reach(s.Floor)", "invariant 12: a sequence means one event for ever"},
		{"what DEFERRED has lost is not looked for", "actors/recovery/lost.go",
			"add(transport.StreamDeferred, s.DeferredLast+1, s.Reached.Deferred)", "", "invariant 2: owed = ended + waiting"},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			out := runPlanted(t, p.file, p.good, p.bad)
			if !strings.Contains(out, p.invariant) {
				t.Errorf("the simulation is blind to it: %q is not broken\n%s", p.invariant, cut(out, 2000))
			}
		})
	}
}

// runPlanted runs the simulation with good replaced by bad in one file, and
// gives what it printed; it has to fail.
func runPlanted(t *testing.T, file, good, bad string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, filepath.FromSlash(file))
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(code), good); n != 1 {
		t.Fatalf("%q is %d times in %s: plant the fault where its code is now", good, n, file)
	}
	dir := t.TempDir()
	planted, overlay := filepath.Join(dir, "planted.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(planted, []byte(strings.Replace(string(code), good, bad, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: planted}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay", overlay, "-run", "^TestInvariantsHold$", "./actors/sim", "-seeds", "400", "-enough", "3")
	c.Dir = root
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("400 seeds hold every invariant with the fault in %s", file)
	}
	return string(out)
}

func cut(s string, most int) string { return s[:min(len(s), most)] }
