package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// linksOf are the folders of batches of a store's streams, by where they lead.
func linksOf(t *testing.T, dataDir string) (roots map[string]int) {
	t.Helper()
	links, err := filepath.Glob(filepath.Join(dataDir, "jetstream", "*", "streams", "*", "batches"))
	if err != nil {
		t.Fatal(err)
	}
	roots = map[string]int{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			roots[filepath.Dir(target)]++
		}
	}
	return roots
}

// submitArrays has n arrays of 50 events each stored; of each is a batch.
func submitArrays(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		all := make([]transport.Event, 50)
		for k := range all {
			all[k] = transport.Event{Customer: "acme", Type: "access.granted", ID: fmt.Sprintf("array-%d-%d", i, k), Data: []byte(`{"n":1}`)}
		}
		if _, err := s.Events.Submit(jettest.Context(t), all); err != nil {
			t.Fatal(err)
		}
	}
}

func endOf(t *testing.T, s *Store) uint64 {
	t.Helper()
	last, err := s.Events.LastEvent(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Batches are put together in the folder that the settings name, nothing of which is
// left when the node has left.
func TestBatchesAreStagedWhereTheSettingsSay(t *testing.T) {
	memory := t.TempDir()
	o := embeddedOptions(t)
	o.Staging, o.SyncInterval = memory, 0
	s := openEmbedded(t, o)
	if roots := linksOf(t, o.DataDir); len(roots) != 1 {
		t.Fatalf("batches are in %v", roots)
	}
	staged := make(chan bool, 1)
	stop := make(chan struct{})
	go func() { // a batch is there for a moment alone
		found := false
		for !found {
			select {
			case <-stop:
				staged <- found
				return
			default:
				all, _ := filepath.Glob(filepath.Join(memory, "*", jet.StreamEvents, "*"))
				found = len(all) > 0
			}
		}
		staged <- found
	}()
	submitArrays(t, s, 20)
	close(stop)
	if !<-staged {
		t.Error("no batch was put together there")
	}
	jettest.ShutWith(t, s.Close)
	if left, _ := os.ReadDir(memory); len(left) != 0 || len(linksOf(t, o.DataDir)) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What a node that was killed left behind, or a machine that was switched off took
// with it, is in no start's way.
func TestStagingOfAKilledNode(t *testing.T) {
	for name, gone := range map[string]bool{"killed": false, "switched off": true} {
		t.Run(name, func(t *testing.T) {
			memory := t.TempDir()
			o := embeddedOptions(t)
			o.Staging = memory
			s := openEmbedded(t, o)
			submitArrays(t, s, 1)
			jettest.ShutWith(t, s.Close)
			// As kill -9 leaves it.
			old := filepath.Join(memory, "postrider-batches-old")
			for _, stream := range []string{jet.StreamEvents, jet.StreamDeferred} {
				if err := os.MkdirAll(filepath.Join(old, stream, "half"), 0o700); err != nil {
					t.Fatal(err)
				}
				folders, _ := filepath.Glob(filepath.Join(o.DataDir, "jetstream", "*", "streams", stream))
				if len(folders) != 1 {
					t.Fatal(folders)
				}
				if err := os.Symlink(filepath.Join(old, stream), filepath.Join(folders[0], "batches")); err != nil {
					t.Fatal(err)
				}
			}
			if gone {
				if err := os.RemoveAll(old); err != nil {
					t.Fatal(err)
				}
			}
			s = openEmbedded(t, o)
			if exists(old) {
				t.Error("what the killed node left behind is there still")
			}
			if roots := linksOf(t, o.DataDir); len(roots) != 1 || roots[old] != 0 {
				t.Errorf("batches are in %v", roots)
			}
			submitArrays(t, s, 2)
			if last := endOf(t, s); last != 150 {
				t.Errorf("the log ends at %d", last)
			}
		})
	}
}

// Where the folder cannot be made, batches are put together on the disk.
func TestStagingThatCannotBe(t *testing.T) {
	o := embeddedOptions(t)
	o.Staging = filepath.Join(t.TempDir(), "missing")
	s := openEmbedded(t, o)
	submitArrays(t, s, 2)
	if roots := linksOf(t, o.DataDir); len(roots) != 0 {
		t.Errorf("batches are in %v", roots)
	}
}

// Where what is put together there can no longer be written, events are stored all the same.
func TestEventsAreStoredWithoutStaging(t *testing.T) {
	memory := t.TempDir()
	o := embeddedOptions(t)
	o.Staging, o.SyncInterval = memory, 0
	s := openEmbedded(t, o)
	if err := os.RemoveAll(memory); err != nil {
		t.Fatal(err)
	}
	submitArrays(t, s, 2)
	if last := endOf(t, s); last != 100 {
		t.Errorf("the log ends at %d", last)
	}
}
