//go:build !race

package sim

const manySeeds, someSeeds = 1000, 10
