//go:build race

package sim

// Under the race detector fewer seeds are run: all happens on one goroutine,
// and each takes ten times as long.
const manySeeds, someSeeds = 40, 2
