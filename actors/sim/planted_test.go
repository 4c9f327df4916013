package sim

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/actors/planted"
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
		{"an event that is settled makes another lease", "actors/shard/event.go",
			"m.settled.has(ev.Seq) || ", "", "invariant 5: what is journaled is not sent again"},
		{"a message is acked while one of its leases is out", "actors/shard/message.go",
			"if h.left == 0 {\n\t\tm.finish(h)", "if h.left <= 1 {\n\t\tm.finish(h)", "invariant 1: no ack before the outcome is durable"},
		{"an ordered endpoint does not wait for what is on its way", "actors/shard/order.go",
			"return ep.Delivery.Ordered && (", "return l == nil && (", "invariant 6: ordered endpoints receive in log order"},
		{"the log is not filled up past what the journal names", "actors/recovery/taking.go",
			"t.reach(max(s.Floor, s.Reached.Event))", "t.reach(s.Floor)", "invariant 12: a sequence means one event for ever"},
		{"what DEFERRED has lost is not looked for", "actors/recovery/lost.go",
			"add(transport.StreamDeferred, s.DeferredLast+1, s.Reached.Deferred)", "", "invariant 2: owed = ended + waiting"},
		{"an owner that was deposed takes the new owner's record for its own", "actors/lease/machine.go",
			"if r.Seq == 0 || r.Boot != m.o.Boot || r.Epoch != m.epoch {", "if r.Seq == 0 {", "one writer: what two write does not both take effect"},
		{"an owner acts for longer than the others wait", "actors/lease/words.go",
			"StopAfter = 2 * time.Second", "StopAfter = 6 * time.Second", "one writer: who does not own the shard does nothing"},
		{"a machine that was suspended does not know it", "actors/lease/words.go",
			"&& (wall-mono).Abs() <= PartedBy", "|| (wall-mono).Abs() > 1000*PartedBy", "one writer: who does not own the shard does nothing"},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			out := planted.Run(t, p.file, p.good, p.bad, "./actors/sim", "-run", "^TestInvariantsHold$", "-seeds", "400", "-enough", "3")
			if !strings.Contains(out, p.invariant) {
				t.Errorf("the simulation is blind to it: %q is not broken\n%s", p.invariant, cut(out, 2000))
			}
		})
	}
}

func cut(s string, most int) string { return s[:min(len(s), most)] }
