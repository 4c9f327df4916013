package log

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postrider/postrider/transport"
)

// snapshotFile is the table's columns as they are, and a checksum of all. It
// saves reading the journal, and is worth nothing more: one that does not fit
// is passed over.
const snapshotFile = "deliveries.index"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeSnapshot replaces the file whole or not at all. It is not synced: that
// would hold up the streams' own syncs on the same disk, and a power cut that
// tears it is found by the checksum.
func writeSnapshot(path string, at transport.JournalPosition, t *table) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), snapshotFile+".*")
	if err != nil {
		return err
	}
	err = errors.Join(writeSummed(f, at, t), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func writeSummed(f *os.File, at transport.JournalPosition, t *table) error {
	sum := crc32.New(castagnoli)
	buffered := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	w := &writer{w: buffered}
	w.table(at, t)
	if err := errors.Join(w.err, buffered.Flush()); err != nil {
		return err
	}
	return binary.Write(f, binary.LittleEndian, sum.Sum32())
}

// readSnapshot gives a nil table where there is no file.
func readSnapshot(path string, rows int) (at transport.JournalPosition, t *table, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil, nil
	}
	if err != nil {
		return at, nil, err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	buffered := bufio.NewReaderSize(f, 1<<20)
	r := &reader{r: io.TeeReader(buffered, sum)}
	at, t = r.table(rows)
	if r.err != nil {
		return at, nil, fmt.Errorf("%s: %w", path, r.err)
	}
	var want uint32
	if err := binary.Read(buffered, binary.LittleEndian, &want); err != nil || want != sum.Sum32() {
		return at, nil, fmt.Errorf("%s: its checksum is wrong", path)
	}
	return at, t, nil
}
