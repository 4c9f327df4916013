package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is from the first that is heard to the look: a certificate and its
	// key are two files.
	settle = 250 * time.Millisecond
	// lookEvery is for what no event tells of.
	lookEvery = time.Minute
	// mostRead bounds what is read of a file.
	mostRead = 8 << 20
)

// Files calls changed after what any of paths holds has changed, until ctx
// ends. It is called from one goroutine. Where the system has no way to tell of
// changes they are found within a minute.
func Files(ctx context.Context, paths []string, log *slog.Logger, changed func()) {
	w := &watcher{paths: paths, changed: changed}
	w.seen = w.look()
	heard, stop := w.listen(log)
	defer stop()
	w.follow(ctx, heard)
}

// follow compares some time after something was heard, and now and then.
func (w *watcher) follow(ctx context.Context, heard <-chan struct{}) {
	next := time.NewTimer(lookEvery)
	defer next.Stop()
	for soon := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-heard:
			if !soon { // in a folder where much happens it would never be quiet
				next.Reset(settle)
			}
			soon = true
		case <-next.C:
			w.compare()
			next.Reset(lookEvery)
			soon = false
		}
	}
}

type watcher struct {
	paths   []string
	seen    [sha256.Size]byte
	changed func()
}

// listen hears of what happens in the folders of the files: a file that is
// replaced, or reached by a link that is, is not the one that was there.
func (w *watcher) listen(log *slog.Logger) (<-chan struct{}, func()) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("changes of files are found within a minute, not at once", "error", err)
		return nil, func() {}
	}
	var folders []string
	for _, path := range w.paths {
		folders = append(folders, filepath.Dir(path))
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		if err := n.Add(folder); err != nil && !errors.Is(err, os.ErrNotExist) {
			log.Warn("changes in this folder are found within a minute, not at once", "folder", folder, "error", err)
		}
	}
	heard := make(chan struct{}, 1)
	var pumping sync.WaitGroup
	pumping.Go(func() { pump(n, heard) })
	return heard, func() {
		_ = n.Close()
		pumping.Wait()
	}
}

// pump takes what is told without delay, so that the system's queue does not
// overflow; that it did counts as having heard something.
func pump(n *fsnotify.Watcher, heard chan<- struct{}) {
	for {
		open := true
		select {
		case _, open = <-n.Events:
		case _, open = <-n.Errors:
		}
		if !open {
			return
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}

func (w *watcher) compare() {
	if now := w.look(); now != w.seen {
		w.seen = now
		w.changed()
	}
}

// look is a sum of all that the files hold.
func (w *watcher) look() [sha256.Size]byte {
	all := sha256.New()
	for _, path := range w.paths {
		_, _ = all.Write(sumOf(path))
	}
	return [sha256.Size]byte(all.Sum(nil))
}

// sumOf is empty where the file cannot be read.
func sumOf(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return []byte{0}
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, mostRead)); err != nil {
		return []byte{0}
	}
	return sum.Sum([]byte{1})
}
