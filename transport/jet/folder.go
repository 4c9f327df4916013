package jet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// storeLimit is what JetStream may use in all below folder: what is free and
// what it holds already, less 10 %.
func storeLimit(folder string) (int64, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, fmt.Errorf("data folder: %w", err)
	}
	free, err := FreeBytes(folder)
	if err != nil {
		return 0, fmt.Errorf("free disk space of %s: %w", folder, err)
	}
	held, err := heldBytes(folder)
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", folder, err)
	}
	return (free + held) / 10 * 9, nil
}

func heldBytes(folder string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// LockFolder keeps a second node off the data folder: two servers on the same
// files destroy them. The operating system gives the lock back when the
// process ends, however it ends.
func LockFolder(folder string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("data folder %s is in use by another node (%w); stop it, or give another folder", folder, err)
	}
	return func() { _ = f.Close() }, nil
}
