// Package actors is the guard round the actor engine: the one place that knows
// hollywood, and the rules that keep its hazards from us.
//
// It promises: an actor's messages are handled one at a time, in the order of
// each sender; a panic never leaves the actor, breaks it for good and is told
// to its owner once; Stop runs everything sent before it, lets nothing after
// it through, and ends within its context. A mailbox is not bounded here:
// owners hand out credit (actors/shard). Nothing in a mailbox is the only copy
// of anything.
//
// It may import the standard library and hollywood's actor package.
package actors
