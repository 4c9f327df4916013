package shard

import "sync"

// window bounds what is in hand, in leases and bytes. Acquire waits for room,
// so that a full window stops the pulling.
//
// How many leases an event makes is known only when the shard works on it, so
// few may be between the two: their fan-outs may overshoot the window.
type window struct {
	mu        sync.Mutex
	room      *sync.Cond
	closed    bool
	coming    int // let in, not yet worked
	waiters   int
	refused   bool // since pressed was asked
	leases    int
	bytes     int
	maxLeases int
	maxBytes  int
}

// maxComing is how many messages may be let in and not yet worked.
const maxComing = 64

func newWindow(maxLeases, maxBytes int) *window {
	w := &window{maxLeases: maxLeases, maxBytes: maxBytes}
	w.room = sync.NewCond(&w.mu)
	return w
}

// acquire takes room for leases of bytes, waiting until something of the
// window is free; false when the window was closed. What is larger than the
// whole window goes in when the window is empty.
func (w *window) acquire(leases, bytes int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed && w.full(bytes) {
		w.waiters++
		w.room.Wait()
		w.waiters--
	}
	if w.closed {
		return false
	}
	w.coming++
	w.leases += leases
	w.bytes += bytes
	return true
}

// full tells whether so many bytes more must wait; the lock is held.
func (w *window) full(bytes int) bool {
	return w.coming >= maxComing || w.leases >= w.maxLeases || w.leases > 0 && w.bytes+bytes > w.maxBytes
}

// takes tells whether acquire would not wait.
func (w *window) takes(bytes int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	takes := w.closed || !w.full(bytes)
	w.refused = w.refused || !takes
	return takes
}

// pressed tells whether something waits for room.
func (w *window) pressed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	pressed := w.waiters > 0 || w.refused
	w.refused = false
	return pressed
}

// worked says that n more of what was let in have their leases.
func (w *window) worked(n int) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	full := w.coming >= maxComing
	w.coming -= n
	w.mu.Unlock()
	if full {
		w.room.Broadcast()
	}
}

// add takes room without waiting: a fan-out found after its event was let in.
func (w *window) add(leases int) {
	w.mu.Lock()
	w.leases += leases
	w.mu.Unlock()
}

// release gives room back.
func (w *window) release(leases, bytes int) {
	w.mu.Lock()
	w.leases -= leases
	w.bytes -= bytes
	w.mu.Unlock()
	w.room.Broadcast()
}

// close turns everyone away who waits or comes.
func (w *window) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.room.Broadcast()
}

// used is what is in hand.
func (w *window) used() (leases, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leases, w.bytes
}

// fill is how full it is, of 1.
func (w *window) fill() float64 {
	leases, bytes := w.used()
	return max(float64(leases)/float64(w.maxLeases), float64(bytes)/float64(w.maxBytes))
}
