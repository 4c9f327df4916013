package ledger

import "time"

// run takes batches through Redis and on to the next sink, one after the
// other: that keeps the order.
func (s *Stage) run() {
	linger := time.NewTimer(time.Hour)
	defer linger.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case t := <-s.in:
			s.take(t)
		}
		linger.Reset(s.o.Linger)
		s.collect(linger.C)
		s.check()
		s.pass()
	}
}

func (s *Stage) take(t taken) {
	s.batch = append(s.batch, t)
	if t.ev.IDGiven {
		s.ided = append(s.ided, t.ev)
	}
}

// collect fills the batch with what is there, and waits for more only where a
// round trip is to be shared.
func (s *Stage) collect(linger <-chan time.Time) {
	for len(s.batch) < s.o.BatchMax {
		select {
		case t := <-s.in:
			s.take(t)
			continue
		default:
		}
		if len(s.ided) == 0 || !s.link.up() {
			return
		}
		select {
		case t := <-s.in:
			s.take(t)
		case <-linger:
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// check marks the batch's duplicates. Local is asked and told always, so that
// it knows the last minutes when Redis goes away; Redis' answer goes before.
func (s *Stage) check() {
	if len(s.ided) == 0 {
		return
	}
	for _, ev := range s.ided {
		s.local.Check(ev)
	}
	if !s.checkRemote() {
		s.o.OnFallback(len(s.ided))
	}
}

func (s *Stage) checkRemote() bool {
	if !s.link.up() {
		return false
	}
	err := s.remote.Check(s.ctx, s.o.Log, s.ided)
	if s.ctx.Err() != nil {
		return true // closing: the batch is handed back, Redis is not to blame
	}
	s.link.report(err)
	if err != nil {
		return false
	}
	for _, ev := range s.ided {
		if ev.DuplicateOf != 0 {
			s.local.learn(ev, ev.DuplicateOf)
		}
	}
	return true
}

// pass hands the batch on, or back where the stage closes meanwhile.
func (s *Stage) pass() {
	for _, t := range s.batch {
		if s.ctx.Err() != nil {
			t.h.Nak()
			continue
		}
		s.next.Event(t.ev, t.h)
	}
	s.within.Add(-int64(len(s.batch)))
	clear(s.batch)
	clear(s.ided)
	s.batch, s.ided = s.batch[:0], s.ided[:0]
}
