package lease

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/actors/planted"
)

// With a fault in the machine that ships, two nodes act at once, and the model
// says so.
func TestFaultsPlantedInTheMachineAreSeen(t *testing.T) {
	for _, p := range []struct{ name, file, good, bad string }{
		{"the silence need not last to the taking", "actors/lease/standby.go",
			"m.take(l, true)", "m.take(l, false)"},
		{"an owner acts for longer than the others wait", "actors/lease/words.go",
			"StopAfter = 2 * time.Second", "StopAfter = 6 * time.Second"},
		{"others do not wait for long enough", "actors/lease/words.go",
			"TakeAfter = 3 * time.Second", "TakeAfter = time.Second"},
		{"a machine that was suspended does not know", "actors/lease/words.go",
			"&& (wall-mono).Abs() <= PartedBy", "|| (wall-mono).Abs() > 1000*PartedBy"},
		{"who releases goes on acting", "actors/lease/machine.go",
			"return m.state == Owning && !m.halted", "return (m.state == Owning || m.state == Leaving) && !m.halted"},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			out := planted.Run(t, p.file, p.good, p.bad, "./actors/lease", "-run", "^TestNeverTwoOwners$", "-rapid.checks=2000", "-rapid.nofailfile")
			if !strings.Contains(out, "act at once") {
				t.Errorf("two owners are not seen\n%s", out[:min(len(out), 2000)])
			}
		})
	}
}
