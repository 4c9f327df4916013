package admin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// lostFile in the data folder has a line of JSON for each stream that was found
// without its end. It stays until somebody takes it away.
const lostFile = "lost.jsonl"

// KeepLostTail adds a line to the data folder's file, for doctor.
func KeepLostTail(folder string, l transport.LostTail) error {
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, lostFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// lostNotes tells what was found lost, by the data folder's file.
func (e *examination) lostNotes() {
	path := filepath.Join(e.o.DataDir, lostFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		e.add("lost", transport.FindingWarn, err.Error(), "make it belong to the user that the node runs as")
		return
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var l transport.LostTail
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue // cut off by a full disk
		}
		e.add("lost", transport.FindingWarn, lostText(&l), lostRemedy(l.Stream)+"; then remove "+path)
	}
}

func lostText(l *transport.LostTail) string {
	return fmt.Sprintf("%s had lost its end, %d messages (%d to %d), as the node started at %s",
		l.Stream, l.Count(), l.From, l.To, l.At.Format("2006-01-02T15:04:05Z07:00"))
}

func lostRemedy(stream string) string {
	switch stream {
	case jet.StreamEvents:
		return "have their producers publish these events again; what was owed of them is in the dead letters as " + transport.ReasonEventGone
	case jet.StreamDeferred:
		return "nothing is to be done: what it held was parked anew"
	}
	return "nothing is to be done: what it no longer told of was done again, and may have arrived twice"
}
