// Package shard takes a shard's events and due segments, decides who wants
// them, and holds each message's acknowledgement until every pair has a
// durable outcome.
//
// It promises: a message is acked only when all its pairs are settled; a
// sequence that is in hand or settled makes no second lease; a fan-out half
// finished before a crash is finished with the same endpoints, not repeated;
// at most Window leases and WindowBytes are in hand (the fan-outs of 64 events
// may overshoot), and pulling stops there; one endpoint has at most its credit
// of leases in its mailbox, the rest wait here; idle actors end; who wants an
// event is told by type, then time, then filter, and given in order of the ids;
// a filter that fails, or panics, takes nothing and costs nobody else. A filter
// is bounded in what it may cost at an event, its customer's all together in
// what they may cost in time (transport.Shares); an event of which it would cost
// too much to tell is owed to the endpoint, and skipped by name.
//
// All state belongs to one actor. Callers and endpoints reach it through an
// inbox that joins many arrivals into one wake-up.
//
// It may import transport, actors and actors/endpoint.
package shard
