package jet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrHalted is what is not done while this node may not act as the shard's owner.
var ErrHalted = errors.New("this node may not own the shard any more, and does nothing until it knows")

// Warden is who owns a shard, as a fence asks and tells it.
type Warden interface {
	// Acts tells whether this node may pull, send, park, purge and ack right now.
	Acts() bool
	// Proved is told when the journal has taken a guarded write for the first
	// time, that was first sent at a time.
	Proved(sent time.Time)
	// Refused is told of a guarded write that the stream refused.
	Refused()
}

// Fence keeps out of a shard's streams who does not own it: every write names
// the owner's record that it knows, and the stream refuses it where another
// stands there. A nil Fence guards nothing.
type Fence struct {
	// Journal, Deferred and DeadLetters guard the streams of these names.
	Journal, Deferred, DeadLetters Guard
	// memory has no record: what endpoints remember is stored by its revision.
	memory Guard

	warden Warden
	alone  bool
	epoch  atomic.Uint64
	number atomic.Uint64 // of the last journal message in this epoch
	taken  atomic.Uint64

	mu     sync.Mutex
	halted bool
	turned chan struct{} // closed at each Halt and GoOn
}

// Guard guards the writes to one stream. A nil Guard, and one of a shard that
// was not taken, guards nothing.
type Guard struct {
	fence   *Fence
	subject string
	journal bool
	seq     atomic.Uint64
	refused atomic.Uint64
	under   sync.Mutex // held while a guarded write is under way
}

// NewFence gives the fence of a shard; alone: no other node can reach its streams.
func NewFence(shard Shard, alone bool) *Fence {
	f := &Fence{alone: alone, turned: make(chan struct{})}
	for g, subject := range map[*Guard]string{&f.Journal: "attempts", &f.Deferred: "park", &f.DeadLetters: "letters"} {
		g.fence, g.subject = f, fmt.Sprintf("%s.%d"+ownerWord, subject, shard)
	}
	f.memory.fence = f
	f.Journal.journal = true
	return f
}

// ownerWord ends the subject of an owner's record: <stream's word>.<shard>.owner.
const ownerWord = ".owner"

// IsOwnerRecord tells a shard's owner record from what else lies in its streams.
func IsOwnerRecord(subject string) bool {
	return strings.HasSuffix(subject, ownerWord) && strings.Count(subject, ".") == 2
}

// Watch sets who owns the shard. It is called once, before anything is written.
func (f *Fence) Watch(w Warden) { f.warden = w }

// Acts tells whether this node may pull, send, park, purge and ack right now.
func (f *Fence) Acts() bool { return f == nil || f.warden == nil || f.warden.Acts() }

// Alone tells that no other node can reach the shard's streams.
func (f *Fence) Alone() bool { return f == nil || f.alone }

// Halt has the pulls hand back what arrives, and end; GoOn has them begin again.
func (f *Fence) Halt() { f.turn(true) }

// GoOn ends a Halt.
func (f *Fence) GoOn() { f.turn(false) }

func (f *Fence) turn(halted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halted = halted
	close(f.turned)
	f.turned = make(chan struct{})
}

// Halted tells whether nothing is to be pulled, and gives a channel that is
// closed when that changes.
func (f *Fence) Halted() (halted bool, turned <-chan struct{}) {
	if f == nil {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.halted, f.turned
}

// Own begins an epoch, whose record in the journal is at a sequence: what is
// written now is numbered from 1.
func (f *Fence) Own(epoch, seq uint64) {
	if f.epoch.Swap(epoch) != epoch {
		f.number.Store(0)
		f.taken.Store(seq)
	}
}

// Next is the place of the next message of the journal: in which epoch it is
// written, and the how manieth it is there. A hole in them is a message that
// was lost; in the stream's own sequences records and beats leave some.
func (f *Fence) Next() (epoch, number uint64) {
	if f == nil || f.epoch.Load() == 0 {
		return 0, 0
	}
	return f.epoch.Load(), f.number.Add(1)
}

// Taken is where the journal stood as this node took the shard: the sequence of
// the first record that it wrote; 0: it did not.
func (f *Fence) Taken() uint64 {
	if f == nil {
		return 0
	}
	return f.taken.Load()
}

// OfJournal is Journal, nil of no fence; the others likewise.
func (f *Fence) OfJournal() *Guard {
	if f == nil {
		return nil
	}
	return &f.Journal
}

// OfDeferred is Deferred.
func (f *Fence) OfDeferred() *Guard {
	if f == nil {
		return nil
	}
	return &f.Deferred
}

// OfDeadLetters is DeadLetters.
func (f *Fence) OfDeadLetters() *Guard {
	if f == nil {
		return nil
	}
	return &f.DeadLetters
}

// OfMemory tells whether this node may act.
func (f *Fence) OfMemory() *Guard {
	if f == nil {
		return nil
	}
	return &f.memory
}

// Refused counts the guarded writes that were refused.
func (f *Fence) Refused() uint64 {
	return f.Journal.refused.Load() + f.Deferred.refused.Load() + f.DeadLetters.refused.Load()
}

// Subject is that of the owner's record.
func (g *Guard) Subject() string { return g.subject }

// Adopt guards by the record at a sequence from now on.
func (g *Guard) Adopt(seq uint64) { g.seq.Store(seq) }

// Owned is the sequence of the owner's record that writes are guarded by, 0
// where they are not.
func (g *Guard) Owned() uint64 {
	if g == nil {
		return 0
	}
	return g.seq.Load()
}

// Begin waits until no other guarded write is under way: a stream with replicas
// refuses one that comes meanwhile, and a record that is written anew would have
// it refused. It gives what ends the write.
func (g *Guard) Begin() (end func()) {
	if g == nil {
		return func() {}
	}
	g.under.Lock()
	return g.under.Unlock
}

// TryBegin is Begin where none is under way; nil otherwise.
func (g *Guard) TryBegin() (end func()) {
	if !g.under.TryLock() {
		return nil
	}
	return g.under.Unlock
}

// Acts is an error where this node may not act.
func (g *Guard) Acts() error {
	if g == nil || g.fence.Acts() {
		return nil
	}
	return ErrHalted
}

// Mark has the server take m only while the record stands.
func (g *Guard) Mark(m *nats.Msg) {
	if seq := g.Owned(); seq != 0 {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(seq, 10))
		m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, g.subject)
	}
}

// Became tells what became of a guarded write that was first sent at a time. A
// duplicate was taken before, so it proves nothing; nor does a write to another
// stream than the journal.
func (g *Guard) Became(sent time.Time, duplicate bool, err error) {
	if g.Owned() == 0 || g.fence.warden == nil {
		return
	}
	switch {
	case err == nil && g.journal && !duplicate:
		g.fence.warden.Proved(sent)
	case refusedByGuard(err):
		g.refused.Add(1)
		g.fence.warden.Refused()
	}
}

// refusedByGuard: another record stands there. That another write is under way is
// told by another code.
func refusedByGuard(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// errUnderWay: a guarded write is under way, on a stream with replicas.
const errUnderWay = 10164

func otherUnderWay(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == errUnderWay
}
