package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Less free disk than littleDisk is a warning, less than leastDisk stops an
// embedded server from taking events.
const (
	littleDisk = 1 << 30
	leastDisk  = 64 << 20
)

// ExamineFolder tells whether a node could keep its things in o.DataDir, and
// whether one does so right now. It leaves nothing there.
func ExamineFolder(o jet.Options) (found []transport.Finding, inUse bool) {
	e := &examination{o: o}
	info, err := os.Stat(o.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.add("data folder", transport.FindingOK, o.DataDir+" is not there yet; the first start makes it", "")
		e.disk(filepath.Dir(o.DataDir))
		return e.found, false
	case err != nil || !info.IsDir():
		e.add("data folder", transport.FindingFail, fmt.Sprintf("%s is no folder that can be read", o.DataDir), "give another with --data, or mend its owner and mode")
		return e.found, false
	}
	e.permissions(info)
	e.lostNotes()
	e.disk(o.DataDir)
	unlock, err := jet.LockFolder(o.DataDir)
	if err != nil {
		return e.found, true
	}
	unlock()
	return e.found, false
}

func (e *examination) permissions(info fs.FileInfo) {
	f, err := os.CreateTemp(e.o.DataDir, ".doctor-")
	if err != nil {
		e.add("data folder", transport.FindingFail, fmt.Sprintf("%s cannot be written: %s", e.o.DataDir, err), "make it belong to the user that the node runs as")
		return
	}
	_ = f.Close()           // it is empty
	_ = os.Remove(f.Name()) // at worst an empty file stays
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		e.add("data folder", transport.FindingWarn, fmt.Sprintf("%s may be entered by others (mode %04o)", e.o.DataDir, info.Mode().Perm()), "chmod 700 "+e.o.DataDir)
		return
	}
	e.add("data folder", transport.FindingOK, e.o.DataDir+" is writable, and its owner's alone", "")
}

func (e *examination) disk(folder string) {
	for {
		if _, err := os.Stat(folder); err == nil || filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	free, err := jet.FreeBytes(folder)
	const remedy = "make room, or give another folder with --data; events are refused first when the disk fills"
	mib := fmt.Sprintf("%d MiB free", free>>20)
	switch {
	case err != nil:
		e.add("disk", transport.FindingWarn, "free space is not known: "+err.Error(), "")
	case free < leastDisk:
		e.add("disk", transport.FindingFail, mib, remedy)
	case free < littleDisk:
		e.add("disk", transport.FindingWarn, mib, remedy)
	case e.o.URL == "" && e.o.MaxStore > free:
		e.add("disk", transport.FindingWarn, fmt.Sprintf("%s, less than nats.max_store", mib), "lower nats.max_store: beyond the disk it bounds nothing")
	default:
		e.add("disk", transport.FindingOK, mib, "")
	}
}
