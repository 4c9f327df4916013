package owner

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/journal"
)

// warden counts what a fence tells.
type warden struct {
	mu              sync.Mutex
	acts            bool
	proved, refused int
}

func (w *warden) Acts() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acts
}

func (w *warden) Proved(time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.proved++
}

func (w *warden) Refused() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
}

func (w *warden) told() [2]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return [2]int{w.proved, w.refused}
}

// node is what one node has of a shard at an external server.
type node struct {
	*Store
	w *warden
}

func open(t *testing.T, b *jettest.Bare) node {
	t.Helper()
	conn := jettest.Open(t, jet.Open, jet.Options{URL: b.Server.ClientURL(), MasterKey: jettest.Key})
	err := conn.Prepare(jettest.Context(t), []jet.StreamConfig{journal.Config(0, time.Hour), deferred.Config(0), deadletters.Config(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	n := node{New(conn, 0, jet.NewFence(0, false)), &warden{acts: true}}
	n.fence.Watch(n.w)
	return n
}

func (n node) look(t *testing.T) View {
	t.Helper()
	v, err := n.Look(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// take writes all records in place of what is there.
func (n node) take(t *testing.T, boot string, epoch uint64) {
	t.Helper()
	v := n.look(t)
	for s := range Streams {
		if _, err := n.Write(jettest.Context(t), s, transport.Owner{Node: boot, Boot: boot, Epoch: epoch}, v.Records[s].Seq, nil); err != nil {
			t.Fatal(err)
		}
	}
	n.fence.Own(epoch, n.fence.Journal.Owned())
}

func TestARecordIsWrittenInPlaceOfTheOneThatIsNamed(t *testing.T) {
	n := open(t, jettest.StartBare(t))
	ctx := jettest.Context(t)
	v := n.look(t)
	if v.Last != 0 || v.Leader == "" || v.Records != [Streams]transport.OwnerRecord{} {
		t.Fatalf("before anything: %+v", v)
	}
	n.take(t, "a", 1)
	v = n.look(t)
	for s := range Streams {
		if r := v.Records[s]; r.Boot != "a" || r.Epoch != 1 || r.Seq != 1 {
			t.Errorf("stream %d: %+v", s, r)
		}
	}
	last := v.Last
	if err := n.Beat(ctx); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"in place of none":    func() error { _, err := n.Write(ctx, Journal, transport.Owner{}, 0, nil); return err },
		"after a silence":     func() error { _, err := n.Write(ctx, Journal, transport.Owner{}, 1, &last); return err },
		"in place of another": func() error { _, err := n.Write(ctx, Deferred, transport.Owner{}, 9, nil); return err },
	} {
		if err := write(); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := n.look(t); got.Last != last+1 || got.Records[Journal].Seq != 1 {
		t.Errorf("after a beat: %+v", got)
	}
}

// Each guarded write of who owned the shard before is refused, by itself and in a
// batch, and told; a write that was taken before proves nothing.
func TestWhoOwnsTheShardNoMoreIsRefused(t *testing.T) {
	b := jettest.StartBare(t)
	a, other := open(t, b), open(t, b)
	ctx := jettest.Context(t)
	a.take(t, "a", 1)
	if err := a.Beat(ctx); err != nil || a.w.told() != [2]int{1, 0} {
		t.Fatalf("a beat: %v, told %v", err, a.w.told())
	}
	if err := a.Purging(ctx, 7); err != nil || a.w.told() != [2]int{2, 0} {
		t.Fatalf("what is purged: %v, told %v", err, a.w.told())
	}
	send := func() (*jetstream.PubAck, error) {
		m := nats.NewMsg("attempts.0")
		m.Header.Set(jet.HeaderMsgID, "one")
		a.fence.Journal.Mark(m)
		ack, err := a.js.PublishMsg(ctx, m)
		a.fence.Journal.Became(time.Now(), err == nil && ack.Duplicate, err)
		return ack, err
	}
	if _, err := send(); err != nil || a.w.told() != [2]int{3, 0} {
		t.Fatalf("a write: %v, told %v", err, a.w.told())
	}
	if ack, err := send(); err == nil && (!ack.Duplicate || a.w.told() != [2]int{3, 0}) {
		t.Fatalf("the same again: %+v, told %v", ack, a.w.told())
	}
	other.take(t, "b", 2)
	if err := a.Beat(ctx); err == nil {
		t.Error("a beat was taken")
	}
	if err := a.Purging(ctx, 9); err == nil {
		t.Error("what is purged was taken")
	}
	if told := a.w.told(); told != [2]int{3, 2} || a.fence.Refused() != 2 {
		t.Errorf("told %v, counted %d", told, a.fence.Refused())
	}
	for guard, subject := range map[*jet.Guard]string{&a.fence.Deferred: "due.0.x.1", &a.fence.DeadLetters: "deadletters.acme.x"} {
		before := a.w.told()[1]
		out := a.conn.NewOutbox("a test")
		out.Guard = guard
		out.Add(&jet.Parcel{Msg: nats.NewMsg(subject)})
		out.Add(&jet.Parcel{Msg: nats.NewMsg(subject)})
		for a.w.told()[1] < before+1 {
			time.Sleep(time.Millisecond) // the outbox tries on its own goroutine, for ever
		}
		out.Stop()
	}
	v := other.look(t)
	for s, last := range map[string]uint64{jet.StreamDeferred: v.Records[Deferred].Seq, jet.StreamDeadLetters: v.Records[DeadLetters].Seq} {
		stream, err := a.js.Stream(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := stream.CachedInfo().State.LastSeq; got != last {
			t.Errorf("%s ends at %d, beyond the owner's record at %d", s, got, last)
		}
	}
}

// While a node may not act its outboxes hold what they have, and send it after.
func TestAnOutboxWaitsWhileTheNodeMayNotAct(t *testing.T) {
	n := open(t, jettest.StartBare(t))
	n.take(t, "a", 1)
	n.w.mu.Lock()
	n.w.acts = false
	n.w.mu.Unlock()
	out := n.conn.NewOutbox("a test")
	out.Guard = &n.fence.Deferred
	done := jettest.NewCountdown(1)
	out.Add(&jet.Parcel{Msg: nats.NewMsg("due.0.x.1"), Waiters: []transport.Waiter{done}})
	for {
		if _, fault := out.Pending(); errors.Is(fault, jet.ErrHalted) {
			break
		}
		time.Sleep(time.Millisecond) // it tries on its own goroutine
	}
	n.w.mu.Lock()
	n.w.acts = true
	n.w.mu.Unlock()
	done.Wait(t)
	if err := out.Close(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
}
