package groupcommit

import "time"

// run stores group after group until the writer stops.
func (w *Writer[T]) run() {
	defer close(w.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for w.ctx.Err() == nil {
		group, wait := w.take(time.Now())
		if len(group) == 0 {
			w.rest(timer, wait)
			continue
		}
		left, err := w.policy.Commit(w.ctx, group)
		w.settle(len(group), left, err)
	}
}

// forever is the wait where nothing is due.
const forever = time.Hour

// rest waits for something to do, for so long at most.
func (w *Writer[T]) rest(timer *time.Timer, wait time.Duration) {
	timer.Reset(wait)
	select {
	case <-w.wake:
	case <-w.policy.Wake:
	case <-timer.C:
	case <-w.ctx.Done():
	}
}

// take gives what goes next, or how long nothing does. What failed before goes
// first where its pause is over.
func (w *Writer[T]) take(now time.Time) (group []T, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait = forever
	if len(w.failing) > 0 {
		if pause := w.retryAt.Sub(now); pause > 0 {
			if wait = pause; w.policy.Ordered || w.stalled {
				return nil, wait
			}
		} else {
			w.queue, w.failing = append(w.failing, w.queue...), nil
		}
	}
	flushing := len(w.queue) > 0 && w.queue[0].mark().number <= w.flushTo
	next, rest, more := w.policy.Next(w.group[:0], w.queue, flushing)
	w.queue = w.after(rest)
	w.group, w.sending = next, next
	if len(next) == 0 && more > 0 {
		wait = min(wait, more)
	}
	return next, wait
}

// settle keeps what is left of a group for another try.
func (w *Writer[T]) settle(size int, left []T, err error) {
	changed, tell, fresh := 0, false, false
	w.mu.Lock()
	for _, it := range left {
		fresh = fresh || !it.mark().tried
		it.mark().tried = true
	}
	w.failing = append(w.failing, left...)
	w.sending = nil
	clear(w.group)
	switch w.stalled = fresh && len(left) == size; {
	case len(left) > 0:
		tell, changed = w.backoff.First(), len(left)
		w.fault, w.retryAt = err, time.Now().Add(w.backoff.Next())
	case len(w.failing) > 0:
		w.retryAt = time.Time{} // the server takes what it is given
	default:
		tell = !w.backoff.First()
		w.backoff, w.fault = Backoff{}, nil
	}
	close(w.moved)
	w.moved = make(chan struct{})
	w.mu.Unlock()
	if tell && w.policy.Changed != nil {
		w.policy.Changed(changed, err)
	}
}

// mostKept bounds the room that a queue keeps for later when it is empty.
const mostKept = 1 << 12

// after is what stays of the queue, in the room of it where that is empty.
func (w *Writer[T]) after(rest []T) []T {
	clear(w.queue[:len(w.queue)-len(rest)]) // the group has them
	switch {
	case len(rest) > 0:
		return rest
	case cap(w.queue) > mostKept:
		return nil
	}
	return w.queue[:0]
}
