package kept

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Headers of an event that was moved: where it was published, and when the log
// took it. Those that JetStream would take for its own have a prefix.
const (
	headerSubject = "Postrider-Kept-Subject"
	headerStored  = "Postrider-Kept-Stored"
	prefix        = "Postrider-Kept-"
	prefixServer  = "Nats-"
)

// Config is the stream as it is to be. Full, it refuses.
func Config(shard jet.Shard, maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        shard.Kept(),
		Description: "Postrider: events that the log has no room for, and that are still waited for",
		Subjects:    []string{jet.SubjectKept},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    maxBytes,
		Duplicates:  100 * time.Millisecond,
		AllowDirect: true,
		// One of each: moved again after a crash, it takes the place of the first.
		MaxMsgsPerSubject:  1,
		AllowAtomicPublish: true,
	}
}

// Store is what is kept of one shard.
type Store struct {
	shard jet.Shard
	conn  *jet.Conn
	js    jetstream.JetStream
	fence *jet.Fence
}

// New gives the store of a shard, whose stream is there: see Config.
func New(conn *jet.Conn, shard jet.Shard, fence *jet.Fence) *Store {
	return &Store{shard: shard, conn: conn, js: conn.JetStream(), fence: fence}
}

func (s *Store) subject(seq uint64) string {
	return fmt.Sprintf("kept.%d.%d", s.shard, seq)
}

// ErrFull says that there is no more room, or none for one of them.
var ErrFull = errors.New("there is no room to keep more events that are waited for")

// refusals are the errors by which a message is not stored, and will not be when
// it is tried again at once: the stream is full, or the store is, or it is too large.
var refusals = []jetstream.ErrorCode{10077, 10023, 10047, 10054}

// Keep stores messages of the log, and returns when they are on disk.
func (s *Store) Keep(ctx context.Context, messages []*jetstream.RawStreamMsg) error {
	if !s.fence.Acts() {
		return jet.ErrHalted
	}
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	moved := make([]*nats.Msg, len(messages))
	for i, m := range messages {
		moved[i] = s.moved(m)
	}
	if !s.conn.Unsynced() { // one sync for all of them
		if _, err := s.conn.PublishBatch(ctx, moved); err == nil {
			return nil
		}
	}
	var failed error
	s.conn.PublishEach(ctx, moved, func(_ int, _ uint64, err error) {
		if err != nil && failed == nil {
			failed = err
		}
	})
	var api *jetstream.APIError
	if errors.As(failed, &api) && slices.Contains(refusals, api.ErrorCode) {
		return ErrFull
	}
	return failed
}

func (s *Store) moved(m *jetstream.RawStreamMsg) *nats.Msg {
	msg := nats.NewMsg(s.subject(m.Sequence))
	for name, values := range m.Header {
		if strings.HasPrefix(name, prefixServer) {
			name = prefix + name
		}
		msg.Header[name] = values
	}
	msg.Header.Set(headerSubject, m.Subject)
	msg.Header.Set(headerStored, m.Time.UTC().Format(time.RFC3339Nano))
	msg.Data = m.Data
	return msg
}

// Message gives an event as it was in the log; nil where it is not kept. The
// leader is asked.
func (s *Store) Message(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := s.conn.LeaderLast(ctx, s.shard.Kept(), s.subject(seq))
	if err != nil || m == nil {
		return nil, err
	}
	return restored(m, seq)
}

func restored(m *jetstream.RawStreamMsg, seq uint64) (*jetstream.RawStreamMsg, error) {
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerStored))
	if err != nil {
		return nil, fmt.Errorf("kept event %d: when it was stored cannot be read: %w", seq, err)
	}
	was := &jetstream.RawStreamMsg{Subject: m.Header.Get(headerSubject), Sequence: seq, Time: at, Data: m.Data, Header: nats.Header{}}
	for name, values := range m.Header {
		switch {
		case name == headerSubject || name == headerStored:
		case strings.HasPrefix(name, prefix+prefixServer):
			was.Header[strings.TrimPrefix(name, prefix)] = values
		default:
			was.Header[name] = values
		}
	}
	return was, nil
}

// Sequences are those of the events that are kept, in no order.
func (s *Store) Sequences(ctx context.Context) (seqs []uint64, err error) {
	stream, err := s.js.Stream(ctx, s.shard.Kept())
	if err != nil {
		return nil, err
	}
	if stream.CachedInfo().State.Msgs == 0 {
		return nil, nil
	}
	err = s.conn.SubjectsOf(ctx, s.shard.Kept(), fmt.Sprintf("kept.%d.*", s.shard), func(subject string, _ uint64) {
		_, digits, _ := strings.Cut(strings.TrimPrefix(subject, "kept."), ".")
		if seq, err := strconv.ParseUint(digits, 10, 64); err == nil {
			seqs = append(seqs, seq)
		}
	})
	return seqs, err
}

// Drop deletes what nothing refers to any more.
func (s *Store) Drop(ctx context.Context, seqs []uint64) error {
	if len(seqs) == 0 {
		return nil
	}
	if !s.fence.Acts() {
		return jet.ErrHalted
	}
	stream, err := s.js.Stream(ctx, s.shard.Kept())
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(s.subject(seq))); err != nil {
			return err
		}
	}
	return nil
}

// References tells which payloads the kept events refer to.
func (s *Store) References() jet.References {
	return jet.References{Stream: s.shard.Kept(), Names: func(m *jetstream.RawStreamMsg) ([]string, bool) {
		return []string{m.Header.Get(jet.HeaderObject)}, true
	}}
}
