package matching

import (
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// covers is what glob and within promise, by the letter: all ways to go on are tried.
func covers(pattern, value []rune, k int) bool {
	switch {
	case k < 0:
		return false
	case len(pattern) == 0:
		return len(value) <= k
	case pattern[0] == '*':
		return covers(pattern[1:], value, k) || len(value) > 0 && covers(pattern, value[1:], k)
	}
	leftOut := covers(pattern[1:], value, k-1)
	if len(value) == 0 || leftOut {
		return leftOut
	}
	cost := 1
	if pattern[0] == '?' || pattern[0] == value[0] {
		cost = 0
	}
	return covers(pattern[1:], value[1:], k-cost) || covers(pattern, value[1:], k-1)
}

func TestPatternsCoverWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ABÄ?*]{1,7}`).Draw(t, "pattern")
		value := rapid.StringMatching(`[ABÄ]{0,8}`).Draw(t, "value")
		for k := range MaxDifferences + 1 {
			if got, want := within(pattern, []byte(value), k), covers([]rune(pattern), []rune(value), k); got != want {
				t.Errorf("within(%q, %q, %d) = %t", pattern, value, k, got)
			}
		}
		if got, want := glob(pattern, []byte(value)), covers([]rune(pattern), []rune(value), 0); got != want {
			t.Errorf("glob(%q, %q) = %t", pattern, value, got)
		}
	})
}

func TestFoldRuneIsTheSameForAllCases(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if other := unicode.SimpleFold(r); foldRune(r) != foldRune(other) {
			t.Fatalf("%q and %q fold to %q and %q", r, other, foldRune(r), foldRune(other))
		}
	}
}

// Numbers within k share a deletion whose gaps say so, and a deletion that they
// share says no fewer differences than there are.
func TestDeletionsMeetWithinTheirDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[ABC]{1,9}`).Draw(t, "a")
		b := rapid.StringMatching(`[ABC]{1,9}`).Draw(t, "b")
		for k := 1; k <= MaxDifferences; k++ {
			if near := within(a, []byte(b), k); near != meet(a, b, k) {
				t.Errorf("%q and %q: within %d is %t, by deletions %t", a, b, k, near, !near)
			}
		}
	})
}

func meet(a, b string, k int) bool {
	var left, right spelling
	left.read([]byte(a))
	right.read([]byte(b))
	for _, x := range left.appendDeletions(nil, k) {
		for _, y := range right.appendDeletions(nil, k) {
			if x.key == y.key && differences(x.gaps, y.gaps) <= k {
				return true
			}
		}
	}
	return false
}

func TestCutGivesPiecesEnough(t *testing.T) {
	for _, c := range []struct {
		pattern     string
		differences uint8
		size, count int
	}{
		{"ABC*", 0, 4, 1}, // ^ABC
		{"*ABCDE*", 0, 4, 2},
		{"A?1", 0, 2, 2}, // ^A and 1$
		{"?A?1?", 0, 1, 2},
		{"*T1234*", 1, 2, 2},
		{"*ABCDEF*", 2, 2, 3},
		{"?A?B?C?D?", 1, 1, 4},
		{"ABCDEFGHIJKLMNOPQRSTUVW", 2, 4, 6},
	} {
		p := cut(&criterion{value: c.pattern, differences: c.differences})
		if p.size != c.size || len(p.starts) != c.count {
			t.Errorf("%s with %d differences: %d pieces of %d, want %d of %d", c.pattern, c.differences, len(p.starts), p.size, c.count, c.size)
		}
	}
}
