package bench

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Machine is what the figures were measured on. What a system does not tell
// is empty or 0.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Kernel     string `json:"kernel"`
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	MemoryMiB  uint64 `json:"memory_mib"`
	Go         string `json:"go"`
	// DataFS is the file system of the data folder: synced means little on a tmpfs.
	DataFS string `json:"data_fs,omitempty"`
}

func thisMachine(dataDir string) Machine {
	return Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		Kernel:    strings.TrimSpace(readText("/proc/sys/kernel/osrelease")),
		CPU:       field(readText("/proc/cpuinfo"), "model name"),
		MemoryMiB: firstNumber(field(readText("/proc/meminfo"), "MemTotal")) >> 10,
		DataFS:    fileSystem(readText("/proc/self/mounts"), dataDir),
	}
}

// versions are those of this module and of the libraries the figures depend on.
func versions() map[string]string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	v := map[string]string{info.Main.Path: info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			v[s.Key] = s.Value
		}
	}
	for _, d := range info.Deps {
		for _, name := range []string{"nats-server", "nats.go", "jetstreamext", "hollywood", "fasthttp", "go-redis"} {
			if strings.Contains(d.Path, name) {
				v[d.Path] = d.Version
			}
		}
	}
	return v
}

// residentMemory is this process's resident set in bytes.
func residentMemory() uint64 { return ResidentMemory(os.Getpid()) }

// ResidentMemory is the resident set of a process in bytes; 0 where the system
// does not tell, or there is no such process.
func ResidentMemory(pid int) uint64 {
	_, rest, _ := strings.Cut(readText("/proc/"+strconv.Itoa(pid)+"/statm"), " ")
	return firstNumber(rest) * uint64(os.Getpagesize())
}

func readText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}

// field is the value of the first "name : value" line.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstNumber(text string) uint64 {
	words := strings.Fields(text)
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// fileSystem is the type of the mount that holds dir, by the longest mount point.
func fileSystem(mounts, dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	best, kind := "", ""
	for line := range strings.Lines(mounts) {
		words := strings.Fields(line)
		if len(words) < 3 || len(words[1]) < len(best) {
			continue
		}
		if words[1] == "/" || dir == words[1] || strings.HasPrefix(dir, words[1]+"/") {
			best, kind = words[1], words[2]
		}
	}
	return kind
}

// machineTime is the processor time that everything on this machine has used,
// over all cores and since it started, to 10 ms; 0 where it is not known.
func machineTime() time.Duration {
	line, _, _ := strings.Cut(readText("/proc/stat"), "\n")
	words := strings.Fields(line)
	if len(words) < 9 {
		return 0
	}
	var ticks uint64
	for i, word := range words[1:9] {
		if i != 3 && i != 4 { // idle, and waiting for the disk
			ticks += firstNumber(word)
		}
	}
	return time.Duration(ticks) * (time.Second / 100) // USER_HZ is 100 on every Linux
}
