package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// users are producers as users have them: clients in a process of their own,
// one for each phase of a case.
type users struct {
	spec    ProducerSpec // what all phases share
	fanOut  int
	server  int // process id
	phase   int
	stored  uint64
	running atomic.Pointer[producerProcess]
	last    ProducerResult // of the last phase
}

func (u *users) owed() uint64 { return u.stored * uint64(u.fanOut) }
func (u *users) forget()      { u.stored = 0 }

func (u *users) spent() (node, producers time.Duration) {
	producers = cpuTime()
	if p := u.running.Load(); p != nil {
		producers += processTime(p.Cmd.Process.Pid)
	}
	return processTime(u.server), producers
}

func (u *users) each(ctx context.Context, n int) error {
	spec := u.spec
	spec.Count = n
	return u.run(ctx, spec, func(p *producerProcess) error {
		if err := p.begin(); err != nil {
			return err
		}
		return p.wait(ctx)
	})
}

func (u *users) full(ctx context.Context) error {
	return u.run(context.WithoutCancel(ctx), u.spec, func(p *producerProcess) error {
		if err := p.begin(); err != nil {
			return err
		}
		if err := p.wait(ctx); ctx.Err() == nil {
			return errors.Join(errors.New("bench: the producers ended by themselves"), err)
		}
		p.stop()
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
		defer cancel()
		return p.wait(within)
	})
}

func (u *users) paced(ctx context.Context, pacer Pacer, begins func(time.Time) error) error {
	spec := u.spec
	spec.Pacer, spec.Backlog = &pacer, 0
	return u.run(ctx, spec, func(p *producerProcess) error {
		if err := begins(time.Now()); err != nil {
			return err
		}
		if err := p.begin(); err != nil {
			return err
		}
		return p.wait(ctx)
	})
}

// run has a process for one phase, adds up what was stored, and refuses a phase
// in which an event was not taken: it would be owed or not, nobody knows.
func (u *users) run(ctx context.Context, spec ProducerSpec, do func(*producerProcess) error) error {
	u.phase++
	if spec.IDs != "" {
		spec.IDs = fmt.Sprintf("%s%d", spec.IDs, u.phase)
	}
	spec.Steered = true
	p, err := startProducers(spec)
	if err != nil {
		return err
	}
	u.running.Store(p)
	err = do(p)
	u.running.Store(nil)
	if err = errors.Join(err, p.close()); err != nil {
		return err
	}
	u.last, u.stored = p.result, u.stored+p.result.Stored
	if ctx.Err() == nil && p.result.Refused > 0 {
		err = fmt.Errorf("bench: %d events were refused: %s", p.result.Refused, p.result.Error)
	}
	return errors.Join(ctx.Err(), err)
}

// producerProcess runs clients as a ProducerSpec that is steered says: it tells
// when they are connected, begins when it is told to, and ends by itself or
// when it is to stop.
type producerProcess struct {
	*Own
	ended  chan error
	result ProducerResult // once ended
}

func startProducers(spec ProducerSpec) (*producerProcess, error) {
	given, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	own, line, err := StartOwn(context.Background(), "the producers", nil, ProducerCommand, string(given))
	if err != nil {
		return nil, err
	}
	p := &producerProcess{Own: own, ended: make(chan error, 1)}
	if line != producersReady {
		return nil, fmt.Errorf("bench: the producers said %q in place of being ready: %w", line, p.Own.Close(context.Background()))
	}
	go func() {
		err := json.NewDecoder(p.Out).Decode(&p.result)
		p.ended <- errors.Join(err, p.Cmd.Wait())
	}()
	return p, nil
}

func (p *producerProcess) begin() error {
	_, err := fmt.Fprintln(p.In, producersGo)
	return err
}

// stop has it publish no more.
func (p *producerProcess) stop() { _ = p.In.Close() }

// wait waits for its end, which close tells as well, or for that of ctx.
func (p *producerProcess) wait(ctx context.Context) error {
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			return fmt.Errorf("bench: producers: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends it where it has not ended.
func (p *producerProcess) close() error {
	p.stop()
	kill := time.AfterFunc(sinkGrace, func() { _ = p.Cmd.Process.Kill() })
	defer kill.Stop()
	return p.wait(context.Background())
}
