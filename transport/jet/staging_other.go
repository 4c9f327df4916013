//go:build !linux

package jet

// memoryFolder: these systems have no folder that is known to be in memory.
func memoryFolder() string { return "" }
