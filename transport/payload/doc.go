// Package payload turns an event into the body an endpoint wants, and names
// the headers that go with it: standard, raw, cloudevents, genlogs, genea v2.
//
// It promises pure functions: the same event and endpoint give the same bytes,
// whenever and however often they are asked for; no clock, no network, no
// state, safe for concurrent use. An event's document is never changed, and
// one that has no form for an endpoint is a Skip, which is no error of anyone.
//
// Genea bodies are canonical (canon.go): a receiver that parses and writes them
// again in JavaScript before it verifies gets the bytes that were signed.
//
// It may import transport and the standard library.
package payload
