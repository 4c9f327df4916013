package shard

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSettledSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		floor := rapid.Uint64Range(0, 300).Draw(t, "floor")
		s, model, top := newSettledSet(floor), map[uint64]bool{}, floor+1
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				seq := rapid.Uint64Range(0, top+200).Draw(t, "seq")
				s.add(seq)
				model[seq] = true
				top = max(top, seq)
			},
			"run": func(t *rapid.T) {
				for range rapid.IntRange(1, 1000).Draw(t, "length") {
					s.add(top)
					model[top] = true
					top++
				}
			},
			"": func(t *rapid.T) {
				for seq := range top + 300 {
					if want := seq <= floor || model[seq]; s.has(seq) != want {
						t.Fatalf("has(%d) = %t, floor %d, base %d", seq, !want, floor, s.base)
					}
				}
			},
		})
	})
}

func TestSettledSetGivesItsMemoryBack(t *testing.T) {
	s := newSettledSet(0)
	for seq := range uint64(5_000_000) {
		s.add(seq)
	}
	if cap(s.words) > 8192 {
		t.Errorf("%d words for a set without a gap", cap(s.words))
	}
	// one that is never settled: the spread is bounded
	s = newSettledSet(0)
	for seq := uint64(2); seq < 5_000_000; seq++ {
		s.add(seq)
	}
	if n := cap(s.words); n > 4*maxSpread/64 || !s.has(4_999_999) || s.has(5_000_000) {
		t.Errorf("%d words behind a gap", n)
	}
}

// The log was purged, or the consumer is new: the first sequence is anywhere.
func TestSettledSetTakesALeap(t *testing.T) {
	s := newSettledSet(5)
	for _, seq := range []uint64{1 << 40, 1<<40 + 1, 1 << 60} {
		s.add(seq)
		if !s.has(seq) || s.has(seq+1) || s.has(seq-maxSpread/2) || len(s.words) > 2*maxSpread/64 {
			t.Fatalf("after %d: %d words from %d", seq, len(s.words), s.base)
		}
	}
}

func TestRecentSetRemembersTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		r, all := newRecentSet(limit), []uint64{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				seq := rapid.Uint64Range(0, 60).Draw(t, "seq")
				r.add(seq)
				all = append(all, seq)
			},
			"": func(t *rapid.T) {
				given := map[uint64]bool{}
				for i, seq := range all {
					given[seq] = true
					if len(all)-i <= limit && !r.has(seq) {
						t.Fatalf("%d is among the last %d and forgotten", seq, limit)
					}
				}
				for seq := range uint64(62) {
					if r.has(seq) && !given[seq] {
						t.Fatalf("%d was never added", seq)
					}
				}
				if n := len(r.now) + len(r.old); n > 2*limit {
					t.Fatalf("%d remembered", n)
				}
			},
		})
	})
}
