package owner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// ErrRefused is a record that was not written: another stands there, or something
// else was written that should not have been.
var ErrRefused = errors.New("the stream refused the owner's record")

// The shard's streams with a record, in the order of View.Records.
const (
	Journal = iota
	Deferred
	DeadLetters
	Streams
)

// View is what the journal's leader tells, and the records.
type View struct {
	// Leader names who answers for the journal's stream, and the stream.
	Leader string
	// Last is its last sequence.
	Last    uint64
	Records [Streams]transport.OwnerRecord
}

// Store is the records of one shard.
type Store struct {
	shard   jet.Shard
	conn    *jet.Conn
	js      jetstream.JetStream
	fence   *jet.Fence
	streams [Streams]guarded
}

type guarded struct {
	name  string
	guard *jet.Guard
}

// New gives the records of a shard, whose writes fence guards.
func New(conn *jet.Conn, shard jet.Shard, fence *jet.Fence) *Store {
	return &Store{shard: shard, conn: conn, js: conn.JetStream(), fence: fence, streams: [Streams]guarded{
		{shard.Attempts(), &fence.Journal}, {shard.Deferred(), &fence.Deferred}, {shard.DeadLetters(), &fence.DeadLetters}}}
}

// Look asks the leaders of the streams.
func (s *Store) Look(ctx context.Context) (v View, err error) {
	if err := s.conn.Away(); err != nil {
		return v, err
	}
	stream, err := s.js.Stream(ctx, s.shard.Attempts())
	if err != nil {
		return v, fmt.Errorf("stream %s: %w", s.shard.Attempts(), jet.Unavailable(err))
	}
	info := stream.CachedInfo()
	v.Last, v.Leader = info.State.LastSeq, info.Created.UTC().Format(time.RFC3339Nano)
	if info.Cluster != nil {
		v.Leader += " " + info.Cluster.Leader
	}
	for i := range s.streams {
		of := &s.streams[i]
		m, err := s.conn.LeaderLast(ctx, of.name, of.guard.Subject())
		if err != nil {
			return v, fmt.Errorf("the owner's record in %s: %w", of.name, jet.Unavailable(err))
		}
		if v.Records[i], err = read(m); err != nil {
			return v, fmt.Errorf("the owner's record in %s: %w", of.name, err)
		}
	}
	return v, nil
}

// read gives zeros of no message.
func read(m *jetstream.RawStreamMsg) (r transport.OwnerRecord, err error) {
	if m == nil {
		return r, nil
	}
	r.Seq = m.Sequence
	err = json.Unmarshal(m.Data, &r.Owner)
	return r, err
}

// Write stores an owner's record in place of the one at sequence after (0: where
// there is none) and, where last is given, only as long as that is the stream's
// last sequence. The stream's writes are guarded by it from then on. No other
// guarded write is under way meanwhile.
func (s *Store) Write(ctx context.Context, stream int, o transport.Owner, after uint64, last *uint64) (seq uint64, err error) {
	if err := s.conn.Away(); err != nil {
		return 0, err
	}
	of := &s.streams[stream]
	defer of.guard.Begin()()
	m := nats.NewMsg(of.guard.Subject())
	if m.Data, err = json.Marshal(o); err != nil {
		return 0, err
	}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(after, 10))
	if last != nil {
		m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(*last, 10))
	}
	ack, err := s.js.PublishMsg(ctx, m)
	if err != nil {
		if jet.WrongSequence(err) {
			err = fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return 0, fmt.Errorf("writing the owner's record in %s: %w", of.name, jet.Unavailable(err))
	}
	of.guard.Adopt(ack.Sequence)
	return ack.Sequence, nil
}

// Adopt guards a stream's writes by a record at a sequence.
func (s *Store) Adopt(stream int, seq uint64) { s.streams[stream].guard.Adopt(seq) }

// Beat has the journal take a guarded message, in place of the one before; while
// another guarded write is under way, nothing.
func (s *Store) Beat(ctx context.Context) error {
	end := s.fence.Journal.TryBegin()
	if end == nil {
		return nil
	}
	defer end()
	return s.tell(ctx, "beat", nil)
}

// Purging has the journal tell that events below a sequence are purged: nobody
// refers to them from then on.
func (s *Store) Purging(ctx context.Context, below uint64) error {
	defer s.fence.Journal.Begin()()
	return s.tell(ctx, "purge", strconv.AppendUint(nil, below, 10))
}

// tell writes a guarded message in place of the one of its kind before.
func (s *Store) tell(ctx context.Context, word string, data []byte) error {
	if err := s.conn.Away(); err != nil {
		return err
	}
	m := nats.NewMsg(fmt.Sprintf("attempts.%d.%s", s.shard, word))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = data
	s.fence.Journal.Mark(m)
	sent := time.Now()
	ack, err := s.js.PublishMsg(ctx, m)
	s.fence.Journal.Became(sent, err == nil && ack.Duplicate, err)
	return err
}
