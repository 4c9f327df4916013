package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/owner"
	"github.com/postrider/postrider/transport/telemetry"
)

// errDeposed: another node owns the shard, and this one is to stand by.
var errDeposed = errors.New("another node owns the shard")

// errStoodBy: the node was stopped before it owned the shard.
var errStoodBy = errors.New("the node did not own the shard yet")

// own returns when this node owns the shard: at once where its folder's lock
// keeps others away, or after it stood by. The context it gives ends when the
// node is deposed.
func (n *Node) own(ctx context.Context, standingBy func(*Node)) (context.Context, error) {
	fence := n.store.Fence
	n.gate = &sendGate{fence: fence}
	n.gate.goOn()
	n.keeper = lease.NewKeeper(lease.KeeperOptions{
		Options: lease.Options{Node: nodeName(), Boot: rand.Text(), Sole: n.store.Embedded(),
			Keep: [lease.Streams]time.Duration{lease.Journal: n.cfg.Attempts.Keep, lease.DeadLetters: n.cfg.DeadLetters.Keep}},
		Records: owners{n.store.Owners, n.now},
		Halt:    func() { fence.Halt(); n.halting.turn(true) },
		GoOn:    func() { n.gate.goOn(); fence.GoOn(); n.halting.turn(false) },
		Cut:     n.gate.cutAll, Logger: n.log,
	})
	fence.Watch(warden{n.keeper, n.metrics})
	n.watchOwner()
	n.keeper.Start()
	if !n.store.Embedded() {
		standingBy(n)
	}
	select {
	case <-n.keeper.Owned():
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errStoodBy, ctx.Err())
	}
	n.metrics.TakenOver()
	record := n.keeper.Standing().Owner
	fence.Own(record.Epoch, record.Seq)
	owning, deposed := context.WithCancelCause(ctx)
	n.owning.Go(func() {
		select {
		case <-n.keeper.Lost():
			deposed(errDeposed)
		case <-n.keeper.Done():
			deposed(nil)
		}
	})
	return owning, nil
}

// nodeName is for people: the machine's, and which process there.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// deposed tells whether another node owns the shard that this one did.
func (n *Node) deposed() bool {
	if n.keeper == nil {
		return false
	}
	select {
	case <-n.keeper.Lost():
		return true
	default:
		return false
	}
}

// lostShard is closed when another node owns the shard.
func (n *Node) lostShard() <-chan struct{} { return n.keeper.Lost() }

// owners fits the records of a shard to its keeper.
type owners struct {
	records *owner.Store
	now     func() time.Time
}

// Look asks for the journal's end and the records.
func (o owners) Look(ctx context.Context) (lease.Look, error) {
	v, err := o.records.Look(ctx)
	return lease.Look{Leader: v.Leader, Last: v.Last, Records: v.Records}, err
}

// Write stores a record.
func (o owners) Write(ctx context.Context, e *lease.Effect) (uint64, error) {
	who := e.Owner
	who.At = o.now().UTC()
	var last *uint64
	if e.Silent {
		last = &e.Last
	}
	seq, err := o.records.Write(ctx, int(e.Stream), who, e.After, last)
	if errors.Is(err, owner.ErrRefused) {
		err = fmt.Errorf("%w: %w", lease.ErrRefused, err)
	}
	return seq, err
}

// Beat has the journal take a guarded write.
func (o owners) Beat(ctx context.Context) error { return o.records.Beat(ctx) }

// Adopt guards by a record that lies elsewhere than was known.
func (o owners) Adopt(s lease.Stream, seq uint64) { o.records.Adopt(int(s), seq) }

// warden counts what was refused.
type warden struct {
	*lease.Keeper
	metrics *telemetry.Telemetry
}

// Refused takes in that a guarded write was refused.
func (w warden) Refused() {
	w.metrics.GuardedWriteRefused()
	w.Keeper.Refused()
}

// watchOwner lets the metrics ask who owns the shard.
func (n *Node) watchOwner() {
	k := n.keeper
	n.metrics.WatchOwner(telemetry.OwnerSources{
		Owns:     k.Acts,
		Epoch:    func() uint64 { return k.Standing().Owner.Epoch },
		ProofAge: k.ProofAge,
	})
}

// shardOwner tells who owns the shard, by what is known here.
func (n *Node) shardOwner() (owns bool, owner transport.OwnerRecord) {
	s := n.keeper.Standing()
	return s.State == lease.Owning || s.State == lease.Doubting, s.Owner
}
