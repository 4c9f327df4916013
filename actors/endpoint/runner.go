package endpoint

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/postrider/postrider/transport"
)

// Runner makes attempts on goroutines that it uses again, since their stacks
// have grown already. No attempt ever waits for another: where no goroutine is
// idle there is a new one, so that those that hang hold up nobody.
type Runner struct {
	jobs chan job
	idle atomic.Int32
	done <-chan struct{}
}

// maxIdleRunners is how many goroutines are kept for the next attempts.
const maxIdleRunners = 512

// job is one attempt to make.
type job struct {
	ctx    context.Context
	target Target
	self   Mailbox
	sent   *sent
	number int
}

// NewRunner makes a Runner whose idle goroutines end with ctx.
func NewRunner(ctx context.Context) *Runner {
	return &Runner{jobs: make(chan job), done: ctx.Done()}
}

func (r *Runner) start(j job) {
	select {
	case r.jobs <- j:
	default:
		go r.work(j)
	}
}

func (r *Runner) work(j job) {
	for {
		j.attempt()
		if r.idle.Add(1) > maxIdleRunners {
			r.idle.Add(-1)
			return
		}
		select {
		case j = <-r.jobs:
			r.idle.Add(-1)
		case <-r.done:
			return
		}
	}
}

// attempt makes it and brings its end to the endpoint's mailbox, whatever happens.
func (j *job) attempt() {
	s := j.sent
	defer func() {
		if v := recover(); v != nil {
			s.answer = transport.Answer{Class: transport.Failed, Reason: transport.ReasonPanic, Detail: "a panic while rendering or sending"}
		}
		j.self.Send(s)
	}()
	s.answer = j.target.Send(j.ctx, s.lease.Event, j.number)
	if s.answer.Class == 0 {
		panic(fmt.Sprintf("answer without a class for event %s", s.lease.Event.ID))
	}
}
