// Package shard takes a shard's events and due segments, decides who wants
// them, and holds each message's acknowledgement until every delivery of it has a
// durable outcome: a pure machine that decides, and an actor that carries out.
//
// Machine.Step(now, input) returns effects. It does no I/O, reads no clock,
// starts no goroutine, asks nobody in the middle of a decision, and the same
// inputs give the same effects. It promises: a message is acked only when all its
// leases have ended with an outcome that is durable; a sequence that is in hand or
// settled makes no second lease; a fan-out is journaled ahead of any outcome of
// it, and one half finished before a crash is finished with the same endpoints;
// at most Window leases and WindowBytes are in hand (the fan-outs of 64 events may
// overshoot), a quarter of that of what comes back from DEFERRED; one endpoint
// has at most its credit of leases in its mailbox, the rest wait here; slow
// endpoints share a quarter of a window that fills up, and nobody keeps far more
// than the mean for long; actors without leases end; while halted nothing is
// pulled, sent or acked. Counts are the machine's: a lease does not change once
// it is handed out, and its end comes back as one message.
//
// Who wants an event is told by type, then time, then filter, and given in order
// of the ids. Filters are asked on a goroutine of their own, in the order of the
// events; one that fails, or panics, takes nothing and costs nobody else. A filter
// is bounded in what it may cost at an event, its customer's all together in
// what they may cost in time (transport.Shares); an event of which it would cost
// too much to tell is owed to the endpoint, and skipped by name.
//
// Shard is the actor. Callers and endpoints reach it through an inbox that joins
// many arrivals into one wake-up; it steps the machine with each at one time, and
// keeps what is outside of decisions: the gate that lets messages in, the actors
// of endpoints, what these retain between two lives, the filters.
//
// It may import transport, actors and actors/endpoint.
package shard
