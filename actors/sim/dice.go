package sim

import (
	"math/rand/v2"
	"time"
)

// dice is where all chance comes from: one seed, one sequence.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 0x9057_21de_2))} }

// one in n.
func (d dice) one(n int) bool { return d.IntN(n) == 0 }

// between is a time from a to b.
func (d dice) between(a, b time.Duration) time.Duration {
	return a + time.Duration(d.Int64N(int64(b-a)+1))
}

// most is a number from 1 to n.
func (d dice) most(n int) int { return 1 + d.IntN(n) }

// of chooses one of all.
func of[T any](d dice, all ...T) T { return all[d.IntN(len(all))] }
