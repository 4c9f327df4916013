package shard

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// What a shard on a stepped system (actors.NewStepped) needs in place of
// goroutines and of calls that wait. Such a shard starts no goroutine; its
// owner ticks (Tick), and begins a drain with a context that has ended.

// Room tells whether Event, and Due, would take so many bytes in without waiting.
func (s *Shard) Room(bytes int) (fresh, back bool) {
	return s.fresh.takes(bytes), s.back.takes(bytes)
}

// Begin takes one change of the registry in; what it gives is closed when the
// change is in effect.
func (s *Shard) Begin(c transport.Change) <-chan struct{} {
	inEffect := make(chan struct{})
	s.call(func(now time.Time) {
		s.filters.change(&c)
		s.step(now, Input{Kind: Changed, Change: &c, InEffect: inEffect})
	})
	return inEffect
}
