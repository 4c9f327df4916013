package actors

import "slices"

// stepper is the engine of a system that its owner steps: single-threaded, and
// the same picks give the same run.
type stepper struct {
	pick  func(n int) int
	ready []*Ref // with something in their mailbox, in order of spawning
}

// NewStepped makes a system without an engine: its owner calls Step, and all
// that its actors do happens inside of that call, on that goroutine. pick
// chooses one of the n actors that have something to handle, from 0 to n-1.
//
// Nothing of such a system is safe for concurrent use, and Stop returns at
// once: what was sent before is handled by the steps to come, nothing after it.
func NewStepped(pick func(n int) int) *System { return &System{stepper: &stepper{pick: pick}} }

// Stepped tells whether the system is one of NewStepped.
func (s *System) Stepped() bool { return s.stepper != nil }

// Step has one actor handle its oldest message; false where no message waits.
func (s *System) Step() bool {
	st := s.stepper
	if len(st.ready) == 0 {
		return false
	}
	i := st.pick(len(st.ready))
	r := st.ready[i]
	msg := r.mailbox[0]
	r.mailbox[0] = nil
	if r.mailbox = r.mailbox[1:]; len(r.mailbox) == 0 {
		st.ready = slices.Delete(st.ready, i, i+1)
	}
	r.deliver(msg)
	return true
}

// put keeps the ready in order, so that a pick does not hang on who was sent
// something first.
func (st *stepper) put(r *Ref, msg any) {
	if r.mailbox = append(r.mailbox, msg); len(r.mailbox) > 1 {
		return
	}
	i, _ := slices.BinarySearchFunc(st.ready, r.number, func(o *Ref, n uint64) int {
		if o.number < n {
			return -1
		}
		return 1
	})
	st.ready = slices.Insert(st.ready, i, r)
}
