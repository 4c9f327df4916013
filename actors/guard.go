package actors

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/anthdm/hollywood/actor"
)

// inboxSize is an actor's first mailbox size: the smallest that costs under a
// kilobyte; the mailbox grows by itself.
const inboxSize = 8

// Receiver handles an actor's messages, one at a time. It must not block on
// I/O and must not wait for another actor.
type Receiver interface{ Receive(msg any) }

// Panic is what an owner is told when its actor broke.
type Panic struct {
	// Message is what the actor was handling.
	Message any
	Value   any
	Stack   []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("actor broke: %v", p.Value) }

// System runs actors: on hollywood, or step by step (NewStepped).
type System struct {
	engine  *actor.Engine
	stepper *stepper // nil: on the engine
	next    atomic.Uint64
	live    atomic.Int64
}

// NewSystem starts an engine. An idle one owns no goroutine, and there is
// nothing to close.
func NewSystem() (*System, error) {
	e, err := actor.NewEngine(actor.NewEngineConfig())
	if err != nil {
		return nil, fmt.Errorf("start the actor engine: %w", err)
	}
	return &System{engine: e}, nil
}

// Live is the number of actors that were spawned and have not stopped.
func (s *System) Live() int { return int(s.live.Load()) }

// Spawn starts an actor that handles messages with r. Each spawn has a name of
// its own, so one that follows a Stop never meets its predecessor. onPanic is
// called once, on the actor's goroutine, when r panicked; from then on the
// actor drops whatever it is sent, and is left to be stopped.
func (s *System) Spawn(kind string, r Receiver, onPanic func(*Panic)) *Ref {
	ref := &Ref{system: s, onPanic: onPanic, receiver: r, quiet: make(chan struct{}), number: s.next.Add(1)}
	s.live.Add(1)
	if s.Stepped() {
		return ref
	}
	ref.pid = s.engine.Spawn(func() actor.Receiver { return ref }, kind,
		actor.WithID(strconv.FormatUint(ref.number, 36)),
		actor.WithInboxSize(inboxSize),
		actor.WithMaxRestarts(math.MaxInt32))
	return ref
}

// Ref is an actor from outside.
type Ref struct {
	system   *System
	number   uint64
	pid      *actor.PID
	mailbox  []any // of a stepped system
	receiver Receiver
	onPanic  func(*Panic)

	// over is owned by the actor's goroutine: set when it broke or quit.
	over  bool
	once  sync.Once
	quiet chan struct{}
}

// quit is the last message an actor handles.
type quit struct{}

// Send puts msg in the actor's mailbox. It does not block; an actor that was
// stopped or broke drops it.
func (r *Ref) Send(msg any) {
	if st := r.system.stepper; st != nil {
		st.put(r, msg)
		return
	}
	r.system.engine.Send(r.pid, msg)
}

// Receive is for the engine alone.
func (r *Ref) Receive(c *actor.Context) {
	switch msg := c.Message().(type) {
	case actor.Initialized, actor.Started, actor.Stopped:
	default:
		growStack(false)
		r.deliver(msg)
	}
}

func (r *Ref) deliver(msg any) {
	switch _, last := msg.(quit); {
	case last:
		r.over = true
		close(r.quiet)
	case !r.over:
		r.handle(msg)
	}
}

func (r *Ref) handle(msg any) {
	defer func() {
		if v := recover(); v != nil {
			r.over = true
			if r.onPanic != nil {
				r.onPanic(&Panic{Message: msg, Value: v, Stack: debug.Stack()})
			}
		}
	}()
	r.receiver.Receive(msg)
}

// Stop ends the actor: what was sent before is handled, then the engine's own
// stop is asked for exactly once. The first call decides; later ones wait for
// nothing. It must not be called from an actor's Receive (use go).
func (r *Ref) Stop(ctx context.Context) error {
	var err error
	r.once.Do(func() {
		defer r.system.live.Add(-1)
		r.Send(quit{})
		if r.system.Stepped() {
			return
		}
		select {
		case <-r.quiet:
		case <-ctx.Done():
			err = fmt.Errorf("actor %s still busy: %w", r.pid.ID, ctx.Err())
		}
		select {
		case <-r.system.engine.Poison(r.pid).Done():
		case <-ctx.Done():
			err = fmt.Errorf("actor %s not stopped: %w", r.pid.ID, ctx.Err())
		}
	})
	return err
}
