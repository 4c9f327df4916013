//go:build race

package signature_test

// underRace: a sync.Pool forgets some of what it holds, so allocations say nothing.
const underRace = true
