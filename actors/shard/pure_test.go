package shard

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// machineFiles hold what decides; the others carry out.
var machineFiles = []string{"active.go", "broken.go", "change.go", "counts.go", "effects.go", "event.go", "halt.go", "inputs.go",
	"machine.go", "message.go", "order.go", "patterns.go", "pressure.go", "room.go", "routes.go", "segment.go", "settledset.go", "tick.go"}

// What decides reads no clock, starts no goroutine, waits for nothing and tells
// nobody.
func TestTheMachineOnlyDecides(t *testing.T) {
	allowed := []string{"cmp", "maps", "slices", "strings", "time",
		"github.com/postrider/postrider/actors/endpoint", "github.com/postrider/postrider/transport"}
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	for _, name := range machineFiles {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			bad := ""
			switch n := n.(type) {
			case *ast.GoStmt:
				bad = "starts a goroutine"
			case *ast.SendStmt, *ast.SelectStmt:
				bad = "speaks on a channel"
			case *ast.UnaryExpr:
				if n.Op == token.ARROW {
					bad = "waits for a channel"
				}
			case *ast.CallExpr:
				bad = callOf(n, clock)
			}
			if bad != "" {
				t.Errorf("%s %s", set.Position(n.Pos()), bad)
			}
			return true
		})
	}
}

// callOf says what is wrong with a call of the machine's; "" nothing.
func callOf(n *ast.CallExpr, clock []string) string {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if f.Name == "close" {
			return "closes a channel"
		}
	case *ast.SelectorExpr:
		of, _ := f.X.(*ast.Ident)
		switch {
		case of != nil && of.Name == "time" && slices.Contains(clock, f.Sel.Name):
			return "reads the clock"
		case slices.Contains([]string{"Ack", "Nak", "InProgress", "Ended", "Send", "Append"}, f.Sel.Name):
			return "carries out " + f.Sel.Name
		}
	}
	return ""
}

// The same inputs give the same effects, whatever the order of maps.
func TestTheSameInputsGiveTheSameEffects(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.SampledFrom([]string{"event", "event", "event", "segment", "end", "end", "end", "tick", "endpoint",
			"remove", "break", "uplink", "halt", "filters", "list"}), 10, 120).Draw(rt, "ops")
		seed := rapid.Uint64().Draw(rt, "seed")
		a, b := play(t, ops, seed), play(t, ops, seed)
		if a != b {
			rt.Fatalf("one way\n%s\nanother\n%s", a, b)
		}
	})
}

// play steps a machine through what is drawn from seed, and tells what it does.
func play(t *testing.T, ops []string, seed uint64) string {
	s := &scenario{t: t, start: time.Unix(1_700_000_000, 0), now: time.Unix(1_700_000_000, 0)}
	s.begin(&words{args: map[string][]string{"window": {"12"}, "idle": {"1s"}}})
	next := func(n uint64) uint64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return seed >> 33 % n
	}
	for _, id := range []string{"a", "b", "c"} {
		s.endpoint(&words{plain: []string{id}})
	}
	halted := false
	for i, op := range ops {
		id := string(rune('a' + next(5)))
		switch op {
		case "event":
			s.event(&words{plain: []string{fmt.Sprint(1 + next(20))}})
		case "segment":
			s.segment(&words{plain: []string{fmt.Sprint(100 + next(9)), id, fmt.Sprint(1 + next(20)), fmt.Sprint(21 + next(9))},
				args: map[string][]string{"id": {fmt.Sprint(next(9))}}})
		case "end":
			if out := s.leasesOut(); len(out) > 0 {
				l := out[next(uint64(len(out)))]
				s.step(Input{Kind: LeaseEnded, Lease: l, End: endpoint.End(1 + next(4))})
			}
		case "tick":
			s.pass(&words{plain: []string{(s.now.Sub(s.start) + 700*time.Millisecond).String(), "events-wait"}, args: map[string][]string{"took": {"a:2s"}}})
		case "endpoint":
			w := &words{plain: []string{id}, args: map[string][]string{}}
			if next(3) == 0 {
				w.plain = append(w.plain, "ordered")
			}
			if next(3) == 0 {
				w.args["filter"] = []string{"x"}
			}
			s.endpoint(w)
		case "remove":
			s.step(Input{Kind: Changed, Change: &transport.Change{ID: id, Customer: customer, Revision: uint64(i)}})
		case "break":
			if s.m.active[id] != nil {
				s.breaks(&words{plain: []string{id}})
			}
		case "uplink":
			s.step(Input{Kind: []InputKind{UplinkLost, UplinkBack}[next(2)]})
		case "halt":
			halted = !halted
			s.step(Input{Kind: map[bool]InputKind{true: Halted, false: WentOn}[halted]})
		case "filters":
			s.filters(&words{plain: []string{fmt.Sprint(1 + next(20))}, args: map[string][]string{"a": {"wanted"}, "b": {"untold"}}})
		case "list":
			s.step(Input{Kind: ListAsked, ID: id})
		}
		s.flush()
	}
	return strings.TrimSpace(s.out.String())
}

// leasesOut are the leases that are out, in order.
func (s *scenario) leasesOut() (out []*handed) {
	for _, h := range s.m.allHeld() {
		for _, l := range h.leases {
			if l.end == 0 && !slices.Contains(s.m.blocked, l) && (l.to != nil || l.Endpoint == "") {
				out = append(out, l)
			}
		}
	}
	return out
}
