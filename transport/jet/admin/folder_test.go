package admin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestExamineFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	found, inUse := ExamineFolder(jet.Options{DataDir: folder})
	if levels(found) != "data folder ok, disk ok" || inUse {
		t.Errorf("not there: %+v, %v", found, inUse)
	}
	jettest.Open(t, jet.Open, jet.Options{DataDir: folder, SyncInterval: 2 * time.Minute, MaxStore: 1 << 30, MasterKey: jettest.Key})
	if found, inUse = ExamineFolder(jet.Options{DataDir: folder}); levels(found) != "data folder ok, disk ok" || !inUse {
		t.Errorf("in use: %+v, %v", found, inUse)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if found, _ = ExamineFolder(jet.Options{DataDir: folder}); levels(found) != "data folder warn, disk ok" {
		t.Errorf("open to others: %+v", found)
	}
	file := filepath.Join(folder, "lock")
	if found, _ = ExamineFolder(jet.Options{DataDir: file}); levels(found) != "data folder fail" {
		t.Errorf("a file: %+v", found)
	}
	if found, _ = ExamineFolder(jet.Options{DataDir: folder, MaxStore: 1 << 60}); !strings.HasSuffix(levels(found), "disk warn") {
		t.Errorf("more than there is: %+v", found)
	}
}

// levels is "nats ok, streams fail", for comparing.
func levels(found []transport.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Part+" "+f.Level)
	}
	return strings.Join(all, ", ")
}
