package watch

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is when a test gives up: of no meaning for what is tested.
const patience = 2 * time.Minute

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each way a file changes on real systems is told, and told once it has settled.
func TestChangesAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		prepare, change func(t *testing.T, folder, path string)
	}{
		"written": {
			func(t *testing.T, _, path string) { write(t, path, "one") },
			func(t *testing.T, _, path string) { write(t, path, "two") },
		},
		"replaced by another file": {
			func(t *testing.T, _, path string) { write(t, path, "one") },
			func(t *testing.T, folder, path string) {
				write(t, filepath.Join(folder, "new"), "two")
				must(t, os.Rename(filepath.Join(folder, "new"), path))
			},
		},
		"there at last": {
			func(*testing.T, string, string) {},
			func(t *testing.T, _, path string) { write(t, path, "one") },
		},
		"removed": {
			func(t *testing.T, _, path string) { write(t, path, "one") },
			func(t *testing.T, _, path string) { must(t, os.Remove(path)) },
		},
		"a link of Kubernetes swapped": { // path → ..data/file, ..data → a folder by date
			func(t *testing.T, folder, path string) {
				for _, version := range []string{"one", "two"} {
					must(t, os.Mkdir(filepath.Join(folder, ".."+version), 0o700))
					write(t, filepath.Join(folder, ".."+version, filepath.Base(path)), version)
				}
				must(t, os.Symlink("..one", filepath.Join(folder, "..data")))
				must(t, os.Symlink(filepath.Join("..data", filepath.Base(path)), path))
			},
			func(t *testing.T, folder, _ string) {
				must(t, os.Symlink("..two", filepath.Join(folder, "..data_tmp")))
				must(t, os.Rename(filepath.Join(folder, "..data_tmp"), filepath.Join(folder, "..data")))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "file")
			c.prepare(t, folder, path)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			told := make(chan struct{}, 10)
			w := &watcher{paths: []string{path}, changed: func() { told <- struct{}{} }}
			w.seen = w.look()
			heard, stop := w.listen(slog.New(slog.DiscardHandler)) // before the change, and before follow begins
			ended := make(chan struct{})
			go func() { defer close(ended); defer stop(); w.follow(ctx, heard) }()
			c.change(t, folder, path)
			select {
			case <-told:
			case <-time.After(patience):
				t.Error("the change was not told")
			}
			cancel()
			<-ended
		})
	}
}

// What is written again as it was is no change; the next that is one is told.
func TestTheSameAgainIsNoChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	changes := 0
	w := &watcher{paths: []string{path}, changed: func() { changes++ }}
	w.seen = w.look()
	write(t, path, "one")
	w.compare()
	if changes != 0 {
		t.Error("told, and nothing has changed")
	}
	write(t, path, "two")
	w.compare()
	w.compare()
	if changes != 1 {
		t.Errorf("one change was told %d times", changes)
	}
}

func TestFilesEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Files(ctx, []string{"/no/such/folder/file", filepath.Join(t.TempDir(), "file")}, slog.New(slog.DiscardHandler), func() { t.Error("told") })
}
