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
// a filter that fails, or panics, takes nothing and costs nobody else.
//
// All state belongs to one actor. Callers and endpoints reach it through an
// inbox that joins many arrivals into one wake-up.
//
// It may import transport, actors and actors/endpoint.
package shard
