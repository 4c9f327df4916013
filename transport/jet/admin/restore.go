package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport/jet"
)

// streamNameLimit is JetStream's own.
const streamNameLimit = 255

// Restore puts the streams of a backup in folder back to o's server, which may
// have none of them, and checks them: their messages, sequences, and the
// consumers that came with them. It gives a line for each stream where what is
// there is not all that was backed up, and may be so. An error leaves no stream
// of the backup behind.
func Restore(ctx context.Context, o jet.Options, folder string, all []BackupStream, tell func(bytes int64)) (notes []string, err error) {
	for i := range all {
		if err := checkName(all[i].Name); err != nil {
			return nil, err
		}
		if err := all[i].checkFile(all[i].path(folder)); err != nil {
			return nil, err
		}
	}
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.conn.CloseAside(ctx)) }()
	there, err := s.ownStreams(ctx)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, fmt.Errorf("there are streams already (%s): a backup is restored into an empty node only; give another data folder, or remove them", strings.Join(there, ", "))
	}
	sent := int64(0)
	for i := range all {
		note, err := s.restore(ctx, &all[i], folder, func(n int) {
			sent += int64(n)
			tell(sent)
		})
		if err != nil {
			err = fmt.Errorf("stream %s: %w", all[i].Name, jet.Unavailable(err))
			return nil, errors.Join(err, s.undo(ctx, all[:i+1]))
		}
		if note != "" {
			notes = append(notes, all[i].Name+": "+note)
		}
	}
	return notes, nil
}

func (b *BackupStream) path(folder string) string { return filepath.Join(folder, b.Name+".snapshot") }

// checkName keeps a backup that was tampered with from naming other files.
func checkName(name string) error {
	if name == "" || len(name) > streamNameLimit || strings.ContainsAny(name, "/\\. *>\t\r\n") {
		return fmt.Errorf("the backup names a stream %.80q, which is no stream's name", name)
	}
	return nil
}

// undo removes what was restored before something failed.
func (s *aside) undo(ctx context.Context, streams []BackupStream) error {
	there, err := s.ownStreams(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	var all error
	for _, b := range streams {
		for _, name := range there {
			if name == b.Name {
				all = errors.Join(all, s.js.DeleteStream(context.WithoutCancel(ctx), name))
			}
		}
	}
	return all
}

func (s *aside) restore(ctx context.Context, b *BackupStream, folder string, tell func(int)) (note string, err error) {
	config, err := s.restoredConfig(b.Config)
	if err != nil {
		return "", err
	}
	request, err := json.Marshal(map[string]any{"config": config, "state": b.State})
	if err != nil {
		return "", err
	}
	var answer struct {
		apiFault
		DeliverSubject string `json:"deliver_subject"`
	}
	if err := s.askAPI(ctx, "$JS.API.STREAM.RESTORE."+b.Name, request, &answer); err != nil {
		return "", err
	}
	if err := answer.err("restore"); err != nil {
		return "", err
	}
	if err := s.sendSnapshot(ctx, answer.DeliverSubject, b.path(folder), tell); err != nil {
		return "", err
	}
	return s.verify(ctx, b)
}

// restoredConfig is a stream's configuration as the new server can have it: the
// next start sets the limits of EVENTS, DETECTIONS and KEPT by its own disk.
func (s *aside) restoredConfig(raw json.RawMessage) (map[string]any, error) {
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("its configuration in the backup cannot be read: %w", err)
	}
	if name := config["name"]; name == jet.StreamEvents || name == jet.StreamDetections || name == jet.StreamKept {
		config["max_bytes"] = -1
	}
	if s.conn.Embedded() {
		config["num_replicas"] = 1
		delete(config, "placement")
	}
	return config, nil
}

// sendSnapshot sends a file chunk by chunk, each after the one before was
// taken, and an empty one at the end.
func (s *aside) sendSnapshot(ctx context.Context, subject, path string, tell func(int)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	chunk := make([]byte, snapshotChunk)
	for {
		n, err := io.ReadFull(f, chunk)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if n == 0 {
			break
		}
		if err := s.sendChunk(ctx, subject, chunk[:n]); err != nil {
			return err
		}
		tell(n)
	}
	return s.sendChunk(ctx, subject, nil)
}

func (s *aside) sendChunk(ctx context.Context, subject string, chunk []byte) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotStall)
	defer cancel()
	m, err := s.nc.RequestWithContext(ctx, subject, chunk)
	if errors.Is(err, nats.ErrNoResponders) {
		return errors.New("the NATS server broke the restore off; its log says why")
	}
	if err != nil || len(m.Data) == 0 {
		return err
	}
	var answer apiFault
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("an answer that cannot be read (%w)", err)
	}
	return answer.err("restore")
}

// verify compares what is there with what was backed up. Messages that have
// grown too old since are dropped by the server as it reads them, and what was
// due meanwhile has moved within DEFERRED.
func (s *aside) verify(ctx context.Context, b *BackupStream) (note string, err error) {
	stream, err := s.js.Stream(ctx, b.Name)
	if err != nil {
		return "", err
	}
	info := stream.CachedInfo()
	got, config := info.State, info.Config
	ages := config.MaxAge > 0 || config.AllowMsgTTL || config.AllowMsgSchedules
	switch {
	case got.LastSeq < b.State.LastSeq || got.LastSeq > b.State.LastSeq && !config.AllowMsgSchedules,
		got.Msgs > b.State.Messages, got.Msgs < b.State.Messages && !ages:
		return "", fmt.Errorf("%d messages up to sequence %d are there after the restore, and %d up to %d were backed up; the backup is of no use",
			got.Msgs, got.LastSeq, b.State.Messages, b.State.LastSeq)
	case got.Msgs < b.State.Messages:
		return fmt.Sprintf("%d of %d messages were older than it keeps them", b.State.Messages-got.Msgs, b.State.Messages), nil
	}
	return "", nil
}
