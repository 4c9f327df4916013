package jet

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Values of Options.Staging that are no folder.
const (
	// StagingAuto is a folder in memory where the system has one, else none.
	StagingAuto = "auto"
	// StagingOff is none: batches are put together on the disk.
	StagingOff = "off"
)

const (
	stagingPrefix = "postrider-batches-"
	// batchesDir is where the server puts a stream's batches together.
	batchesDir = "batches"
)

// staging is a folder in memory where the embedded server puts batches together
// before it stores them in their stream. It makes a store of its own for each, which
// on the disk costs some eight syncs, whatever nats.sync says. A batch is stored and
// synced in its stream as it is committed; what was put together is of use after that
// to a server alone that was killed while it committed, and which goes on from it. So
// a power cut at that moment may leave the first part of a batch whose publisher has
// no answer.
type staging struct {
	parent, dataDir, root string
	stale                 []string // folders of runs that were killed
	links                 []string
	log                   *slog.Logger
}

// newStaging chooses the folder's parent; nil: batches are put together on the disk.
func newStaging(o Options, log *slog.Logger) (*staging, error) {
	s := &staging{parent: o.Staging, dataDir: o.DataDir, log: log}
	s.findStale()
	switch o.Staging {
	case StagingAuto:
		s.parent = memoryFolder()
	case StagingOff, "":
		s.parent = ""
	default:
		if !filepath.IsAbs(o.Staging) {
			return nil, &transport.FieldError{Field: "nats.staging", Message: fmt.Sprintf("%q is no absolute path; give a folder in memory, auto or off", o.Staging)}
		}
	}
	return s, nil
}

// findStale notes the folders that links of a run before lead to. They are of use to
// the server as it starts.
func (s *staging) findStale() {
	links, _ := filepath.Glob(filepath.Join(s.dataDir, "jetstream", "*", "streams", "*", batchesDir)) // the pattern is right
	for _, link := range links {
		target, err := os.Readlink(link)
		if root := filepath.Dir(target); err == nil && strings.HasPrefix(filepath.Base(root), stagingPrefix) {
			s.stale = append(s.stale, root)
			s.links = append(s.links, link)
		}
	}
}

// StageInMemory has the batches of all streams that take them be put together in
// memory, where the server is embedded. It is called when the streams are there, and
// before anything is published to them.
func (c *Conn) StageInMemory(ctx context.Context) error {
	if c.embedded == nil {
		return nil
	}
	var names []string
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		if info.Config.AllowAtomicPublish && info.Config.Storage == jetstream.FileStorage {
			names = append(names, info.Config.Name)
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("listing streams: %w", Unavailable(err))
	}
	if err := c.embedded.staging.begin(names); err != nil {
		c.log.Warn("batches are put together on the disk, which takes longer; nats.staging chooses a folder in memory", "err", err)
	}
	return nil
}

// begin makes the folder, and links to it from the streams.
func (s *staging) begin(streams []string) (err error) {
	s.clear()
	if s.parent == "" {
		return nil
	}
	if s.root, err = os.MkdirTemp(s.parent, stagingPrefix); err != nil {
		return err
	}
	for _, name := range streams {
		folders, _ := filepath.Glob(filepath.Join(s.dataDir, "jetstream", "*", "streams", name)) // the pattern is right
		for _, folder := range folders {
			if err := s.link(filepath.Join(folder, batchesDir), filepath.Join(s.root, name)); err != nil {
				s.clear()
				return err
			}
		}
	}
	return nil
}

// link leads from where the server looks for batches, where there are none, to target.
func (s *staging) link(from, target string) error {
	if err := os.Remove(from); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Mkdir(target, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(target, from); err != nil {
		return err
	}
	s.links = append(s.links, from)
	return nil
}

// clear removes all links, and what they lead to.
func (s *staging) clear() {
	for _, link := range s.links {
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			continue
		}
		if err := os.Remove(link); err != nil {
			s.log.Warn("a link to batches cannot be removed", "link", link, "err", err)
		}
	}
	roots := s.stale
	if s.root != "" {
		roots = append(roots, s.root)
	}
	for _, root := range roots {
		if err := os.RemoveAll(root); err != nil {
			s.log.Warn("a folder of batches in memory cannot be removed", "folder", root, "err", err)
		}
	}
	s.links, s.stale, s.root = nil, nil, ""
}
