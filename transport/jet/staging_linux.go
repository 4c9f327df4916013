package jet

import "syscall"

const (
	sharedMemory = "/dev/shm"
	tmpfs        = 0x01021994 // statfs(2)
	// leastMemory is what batches of all streams may take together, and some more.
	leastMemory = 48 << 20
)

// memoryFolder is a folder in memory with room for batches; empty: there is none.
func memoryFolder() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < leastMemory {
		return ""
	}
	return sharedMemory
}
