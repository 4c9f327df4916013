package shard

import "github.com/postrider/postrider/transport"

// What a shard on a stepped system (actors.NewStepped) needs in place of
// goroutines and of calls that wait. Such a shard starts no goroutine; its
// owner ticks, and begins a drain with a context that has ended.

// Tick is one tick of the shard, as its own ticker has it every 100 ms.
func (s *Shard) Tick() { s.call(s.tickOnce) }

// Room tells whether Event, and Due, would take so many bytes in without waiting.
func (s *Shard) Room(bytes int) (fresh, back bool) {
	return s.fresh.takes(bytes), s.back.takes(bytes)
}

// Begin takes one change of the registry in; what it gives is closed when the
// change is in effect.
func (s *Shard) Begin(c transport.Change) <-chan struct{} {
	taken := make(chan struct{})
	s.call(func() { s.change(c, taken) })
	return taken
}
