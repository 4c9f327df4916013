package lease

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// ErrRefused is a record's write that the stream did not take: another record
// stands there, or something was written meanwhile.
var ErrRefused = errors.New("the record was refused")

// Records are the owner's records in a shard's streams.
type Records interface {
	// Look asks the journal's leader, and for all records.
	Look(ctx context.Context) (Look, error)
	// Write stores a record as a Write effect says, and guards the writes of its
	// stream by it from then on. The error wraps ErrRefused where the stream said no.
	Write(ctx context.Context, e *Effect) (seq uint64, err error)
	// Beat has the journal take a guarded write; where one is under way already,
	// it does nothing.
	Beat(ctx context.Context) error
	// Adopt guards the writes of a stream by a record at another sequence.
	Adopt(s Stream, seq uint64)
}

const (
	// tickEvery is how exactly the machine's times are kept.
	tickEvery = 100 * time.Millisecond
	// beatTimeout and writeTimeout bound the wait for an answer.
	beatTimeout  = 2 * time.Second
	writeTimeout = 5 * time.Second
)

// KeeperOptions of a Keeper.
type KeeperOptions struct {
	Options
	Records Records
	// Halt, GoOn and Cut carry out the effects of these names; they must not block.
	Halt, GoOn, Cut func()
	Logger          *slog.Logger
}

// Keeper keeps a shard for a node, or waits until it can.
type Keeper struct {
	o     KeeperOptions
	log   *slog.Logger
	start time.Time

	ctx    context.Context
	cancel context.CancelFunc
	inputs chan Input
	wake   chan struct{}
	work   sync.WaitGroup // run, and what it asked for

	owned chan struct{}
	lost  chan struct{}
	left  chan struct{}

	acting  atomic.Bool
	proof   atomic.Pointer[Proof]
	deposed atomic.Bool

	mu       sync.Mutex
	standing Standing
}

// Standing is how a node stands with a shard.
type Standing struct {
	State State
	// Owner is who owns it, by what is known here; zero: nobody.
	Owner transport.OwnerRecord
	// Since is when the state was entered.
	Since time.Time
	// Halted: this node owns it, and does nothing for want of a proof.
	Halted bool
	// Taken counts how often this keeper took the shard, Halts how often it halted.
	Taken, Halts uint64
}

// NewKeeper gives a keeper that is to be started: what guards the writes tells it
// of their ends, and may have to know it before.
func NewKeeper(o KeeperOptions) *Keeper {
	k := &Keeper{o: o, log: o.Logger, start: time.Now(),
		inputs: make(chan Input, 16), wake: make(chan struct{}, 1),
		owned: make(chan struct{}), lost: make(chan struct{}), left: make(chan struct{})}
	k.standing.Since = k.start
	k.proof.Store(&Proof{})
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

// Start begins. It is called once; Leave or Close ends it.
func (k *Keeper) Start() { k.work.Go(k.run) }

// moment is t by this keeper's clocks; t must have a monotonic reading.
func (k *Keeper) moment(t time.Time) Moment {
	return Moment{Mono: t.Sub(k.start), Wall: t.Round(0).Sub(k.start.Round(0))}
}

// Acts tells whether the node may pull, send, park, purge and ack: at this
// moment, by the clocks.
func (k *Keeper) Acts() bool {
	return k.acting.Load() && (k.o.Sole || k.proof.Load().Holds(k.moment(time.Now())))
}

// Proved takes in that the journal has taken a guarded write that was first
// sent at a time (with its monotonic reading), for the first time.
func (k *Keeper) Proved(sent time.Time) {
	p := &Proof{Sent: k.moment(sent)}
	for {
		was := k.proof.Load()
		if p.Sent.Mono <= was.Sent.Mono {
			return
		}
		if k.proof.CompareAndSwap(was, p) {
			break
		}
	}
	if !k.acting.Load() {
		k.nudge()
	}
}

// Refused takes in that a guarded write was refused.
func (k *Keeper) Refused() {
	k.deposed.Store(true)
	k.nudge()
}

func (k *Keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Owned is closed once the node owns the shard; Lost, when it does so no more.
func (k *Keeper) Owned() <-chan struct{} { return k.owned }

// Lost is closed when another node owns the shard.
func (k *Keeper) Lost() <-chan struct{} { return k.lost }

// Done is closed when the keeper is ended.
func (k *Keeper) Done() <-chan struct{} { return k.ctx.Done() }

// Standing tells how the node stands with the shard.
func (k *Keeper) Standing() Standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.standing
}

// ProofAge is how old the owner's proof is; 0 where it needs none, or is no owner.
func (k *Keeper) ProofAge() time.Duration {
	if s := k.Standing().State; k.o.Sole || s != Owning && s != Doubting {
		return 0
	}
	return k.proof.Load().Age(k.moment(time.Now()))
}

// Leave gives the shard up, so that another takes it at once, and ends the
// keeper. Nothing must be written any more. Where ctx ends first, others have to
// wait. Calling it again is fine.
func (k *Keeper) Leave(ctx context.Context) error {
	defer k.Close()
	k.input(Input{Kind: Left})
	select {
	case <-k.left:
	case <-k.lost: // to give up no more
	case <-k.ctx.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Close ends the keeper without a word to others.
func (k *Keeper) Close() {
	k.cancel()
	k.work.Wait()
}

func (k *Keeper) input(in Input) {
	select {
	case k.inputs <- in:
	case <-k.ctx.Done():
	}
}

func (k *Keeper) run() {
	m := New(k.o.Options)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for in := (Input{Kind: Ticked}); ; {
		k.step(m, in)
		select {
		case in = <-k.inputs:
		case <-tick.C:
			in = Input{Kind: Ticked}
		case <-k.wake:
			in = Input{Kind: Ticked}
		case <-k.ctx.Done():
			k.acting.Store(false)
			return
		}
	}
}

// step gives what was told meanwhile in first: a proof before the time judges.
func (k *Keeper) step(m *Machine, in Input) {
	now := k.moment(time.Now())
	if p := k.proof.Load(); p.Sent.Mono > m.proof.Sent.Mono && (m.State() == Owning || m.State() == Doubting) {
		k.perform(m, m.Step(now, Input{Kind: Proved, Sent: p.Sent}))
	}
	if k.deposed.Swap(false) {
		k.perform(m, m.Step(now, Input{Kind: Deposed}))
	}
	k.perform(m, m.Step(now, in))
	k.mu.Lock()
	if k.standing.State != m.State() {
		k.standing.State, k.standing.Since = m.State(), time.Now()
	}
	if m.State() == StandingBy {
		k.see(m.Seen())
	}
	k.mu.Unlock()
}

// see notes whom the node stands by for, and tells it once. The lock is held.
func (k *Keeper) see(owner transport.OwnerRecord) {
	if owner.Seq != 0 && !owner.Released && owner.Boot != k.standing.Owner.Boot {
		k.log.Info("standing by: another node owns the shard, or did", "node", owner.Node, "epoch", owner.Epoch)
	}
	k.standing.Owner = owner
}

func (k *Keeper) perform(m *Machine, effects []Effect) {
	for i := range effects {
		e := effects[i]
		switch e.Do {
		case Watch:
			k.work.Go(k.look)
		case Write:
			k.work.Go(func() { k.write(&e) })
		case Beat:
			k.work.Go(k.beat)
		case Adopt:
			k.o.Records.Adopt(e.Stream, e.Seq)
		default:
			k.turn(m, &e)
		}
	}
}

// turn carries out what changes whether the node acts.
func (k *Keeper) turn(m *Machine, e *Effect) {
	k.note(m, e)
	switch e.Do {
	case Own:
		k.log.Info("this node owns the shard", "epoch", e.Epoch)
		close(k.owned)
	case Halt:
		k.log.Warn("the shard's journal takes no writes; nothing is pulled, sent or acked until it does")
		k.o.Halt()
	case GoOn:
		k.log.Info("the shard's journal takes writes again; going on")
		k.o.GoOn()
	case Cut:
		k.log.Warn("attempts in flight are cut: another node may own the shard by now")
		k.o.Cut()
	case Lose:
		k.log.Error("another node owns the shard now", "node", e.Owner.Node, "epoch", e.Owner.Epoch)
		close(k.lost)
	case Leave:
		close(k.left)
	}
}

// note keeps what an effect says of how the node stands.
func (k *Keeper) note(m *Machine, e *Effect) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch e.Do {
	case Own:
		proof := m.proof
		k.proof.Store(&proof)
		k.standing.Taken++
		k.standing.Owner = transport.OwnerRecord{Owner: e.Owner, Seq: m.seqs[Journal]}
	case Halt:
		k.standing.Halted = true
		k.standing.Halts++
	case GoOn:
		k.standing.Halted = false
	case Lose:
		k.standing.Owner = transport.OwnerRecord{Owner: e.Owner}
	}
	if e.Do != Cut {
		k.acting.Store(e.Do == Own || e.Do == GoOn)
	}
}

func (k *Keeper) look() {
	ctx, cancel := context.WithTimeout(k.ctx, GapMost)
	defer cancel()
	in := Input{Kind: Looked, Sent: k.moment(time.Now())}
	var err error
	if in.Look, err = k.o.Records.Look(ctx); err != nil {
		k.log.Debug("who owns the shard cannot be seen for now", "err", err)
		in.Kind = Unseen
	}
	k.input(in)
}

func (k *Keeper) write(e *Effect) {
	ctx, cancel := context.WithTimeout(k.ctx, writeTimeout)
	defer cancel()
	in := Input{Kind: Stored, Stream: e.Stream, Sent: k.moment(time.Now())}
	var err error
	if in.Seq, err = k.o.Records.Write(ctx, e); err != nil {
		if in.Kind = Unanswered; errors.Is(err, ErrRefused) {
			in.Kind = Refused
		}
		k.log.Debug("the owner's record was not written", "stream", e.Stream, "err", err)
	}
	k.input(in)
}

func (k *Keeper) beat() {
	ctx, cancel := context.WithTimeout(k.ctx, beatTimeout)
	defer cancel()
	if err := k.o.Records.Beat(ctx); err != nil {
		k.log.Debug("the journal did not take a beat", "err", err)
	}
	k.input(Input{Kind: Beaten})
}
