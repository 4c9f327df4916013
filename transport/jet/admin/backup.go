package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

const (
	// descriptionPrefix begins the description of each stream of ours.
	descriptionPrefix = "Postrider: "
	// snapshotStall is how long a snapshot or a restore may stand still.
	snapshotStall = time.Minute
	snapshotChunk = 256 << 10
)

// BackupStream is one stream of a backup; its snapshot is the file
// <Name>.snapshot, in the server's own form.
type BackupStream struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	State  BackupState     `json:"state"`
	Bytes  int64           `json:"bytes"`
	SHA256 string          `json:"sha256"`
}

// BackupState is what a stream held when it was backed up.
type BackupState struct {
	Messages uint64 `json:"messages"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
}

// apiFault is the error of an answer of JetStream's API.
type apiFault struct {
	Error *struct {
		Description string `json:"description"`
	} `json:"error"`
}

func (f *apiFault) err(what string) error {
	if f.Error == nil {
		return nil
	}
	return fmt.Errorf("%s: the NATS server says: %s", what, f.Error.Description)
}

// Backup writes a snapshot of each stream of ours into folder, which must be
// there, and tells by tell how many bytes it has written. No node may be at
// work: one that is makes it fail (with an embedded server its lock on the
// data folder; with an external one, that it pulls from the log). Producers of
// an external server may go on: what they publish meanwhile is in the backup
// or not.
func Backup(ctx context.Context, o jet.Options, folder string, tell func(bytes int64)) (all []BackupStream, err error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.conn.CloseAside(ctx)) }()
	names, err := s.ownStreams(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("there is nothing to back up: no stream of Postrider's is there")
	}
	if err := s.idle(ctx); err != nil {
		return nil, err
	}
	written := int64(0)
	for _, name := range names {
		b, err := s.snapshot(ctx, name, filepath.Join(folder, name+".snapshot"), func(n int) {
			written += int64(n)
			tell(written)
		})
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", name, jet.Unavailable(err))
		}
		all = append(all, *b)
	}
	return all, nil
}

// ownStreams are the names of the streams of ours: all of an embedded server,
// those that say so of an external one.
func (s *aside) ownStreams(ctx context.Context) ([]string, error) {
	var names []string
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		if s.conn.Embedded() || strings.HasPrefix(info.Config.Description, descriptionPrefix) {
			names = append(names, info.Config.Name)
		}
	}
	slices.Sort(names)
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("listing the streams: %w", jet.Unavailable(err))
	}
	return names, nil
}

// idle fails where a node pulls from the log. An embedded server has none
// besides this process.
func (s *aside) idle(ctx context.Context) error {
	consumer, err := s.js.Consumer(ctx, jet.StreamEvents, jet.ConsumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consumer %s on %s: %w", jet.ConsumerName, jet.StreamEvents, jet.Unavailable(err))
	}
	if consumer.CachedInfo().NumWaiting > 0 {
		return errors.New("a node is at work on this NATS server; stop it first: a backup of what it is changing would not add up")
	}
	return nil
}

func (s *aside) snapshot(ctx context.Context, name, path string, tell func(int)) (*BackupStream, error) {
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection is closed soon
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	request, err := json.Marshal(map[string]any{"deliver_subject": inbox, "chunk_size": snapshotChunk, "jsck": true})
	if err != nil {
		return nil, err
	}
	var answer struct {
		apiFault
		Config json.RawMessage `json:"config"`
		State  struct {
			Messages uint64 `json:"messages"`
			FirstSeq uint64 `json:"first_seq"`
			LastSeq  uint64 `json:"last_seq"`
		} `json:"state"`
	}
	if err := s.askAPI(ctx, "$JS.API.STREAM.SNAPSHOT."+name, request, &answer); err != nil {
		return nil, err
	}
	if err := answer.err("snapshot"); err != nil {
		return nil, err
	}
	b := &BackupStream{Name: name, Config: answer.Config, State: BackupState(answer.State)}
	b.Bytes, b.SHA256, err = s.receive(ctx, sub, path, tell)
	return b, err
}

// askAPI makes a request of JetStream's API that jetstream has no word for.
func (s *aside) askAPI(ctx context.Context, subject string, request []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotStall)
	defer cancel()
	m, err := s.nc.RequestWithContext(ctx, subject, request)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(m.Data, answer); err != nil {
		return fmt.Errorf("an answer that cannot be read (%w); update the NATS server or Postrider", err)
	}
	return nil
}

// receive writes the chunks of a snapshot to a file, until the empty one.
func (s *aside) receive(ctx context.Context, sub *nats.Subscription, path string, tell func(int)) (size int64, sum string, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	for {
		next, cancel := context.WithTimeout(ctx, snapshotStall)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		if err != nil {
			return 0, "", fmt.Errorf("the snapshot stands still: %w", err)
		}
		if status := m.Header.Get("Status"); status != "" && status != "204" {
			return 0, "", fmt.Errorf("the snapshot broke off: %s %s", status, m.Header.Get("Description"))
		}
		if len(m.Data) == 0 {
			return size, hex.EncodeToString(hash.Sum(nil)), f.Sync()
		}
		if _, err := io.MultiWriter(f, hash).Write(m.Data); err != nil {
			return 0, "", err
		}
		size += int64(len(m.Data))
		tell(len(m.Data))
		if m.Reply != "" {
			if err := m.Respond(nil); err != nil {
				return 0, "", err
			}
		}
	}
}

// checkFile tells whether a snapshot is the one that was written.
func (b *BackupStream) checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != b.SHA256 {
		return fmt.Errorf("%s is damaged: it is not what the backup wrote; take another backup", path)
	}
	return nil
}
