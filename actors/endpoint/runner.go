package endpoint

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/postrider/postrider/transport"
)

// Runner makes attempts. Start must not wait for an attempt to end, nor for
// another to begin.
type Runner interface{ Start(*Attempt) }

// Attempt is one attempt to make. Do makes it; or, in its place, End tells what
// came of it. One of the two is called once.
type Attempt struct {
	ctx    context.Context
	target Target
	self   Mailbox
	sent   *sent
	number int
}

// Lease is the pair that is attempted.
func (j *Attempt) Lease() *Lease { return j.sent.delivery.Lease }

// Number of the attempt, from 1.
func (j *Attempt) Number() int { return j.number }

// Pool makes attempts on goroutines that it uses again, since their stacks
// have grown already. No attempt ever waits for another: where no goroutine is
// idle there is a new one, so that those that hang hold up nobody.
type Pool struct {
	jobs chan *Attempt
	idle atomic.Int32
	done <-chan struct{}
}

// maxIdleRunners is how many goroutines are kept for the next attempts.
const maxIdleRunners = 512

// NewPool makes a Pool whose idle goroutines end with ctx.
func NewPool(ctx context.Context) *Pool {
	return &Pool{jobs: make(chan *Attempt), done: ctx.Done()}
}

// Start makes the attempt on a goroutine of its own.
func (r *Pool) Start(j *Attempt) {
	select {
	case r.jobs <- j:
	default:
		go r.work(j)
	}
}

func (r *Pool) work(j *Attempt) {
	for {
		j.Do()
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

// Do makes the attempt and brings its end to the endpoint's mailbox, whatever happens.
func (j *Attempt) Do() {
	answer := transport.Answer{Class: transport.Failed, Reason: transport.ReasonPanic, Detail: "a panic while rendering or sending"}
	defer func() {
		_ = recover() // the answer says so
		j.End(answer)
	}()
	if a := j.target.Send(j.ctx, j.sent.delivery.Event, j.number); a.Class != 0 {
		answer = a
	}
}

// End tells the endpoint what came of the attempt.
func (j *Attempt) End(a transport.Answer) {
	s, self := j.sent, j.self
	s.answer = a
	*j = Attempt{}
	attempts.Put(j)
	self.Send(s)
}

// attempts are used again.
var attempts = sync.Pool{New: func() any { return new(Attempt) }}
