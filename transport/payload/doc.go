// Package payload turns an event into the body an endpoint wants, and names
// the headers that go with it: standard, raw, cloudevents, genlogs, and genea in
// its versions v1, v2, v3.
//
// It promises pure functions: the same event and endpoint give the same bytes,
// whenever and however often they are asked for; no clock, no network, no
// state, safe for concurrent use. An event's document is never changed, and
// one that has no form for an endpoint is a Skip, which is no error of anyone.
//
// Genea bodies are canonical (canon.go): a receiver that parses and writes them
// again in JavaScript before it verifies gets the bytes that were signed.
//
// Expressions in CEL choose events (Filter) and make bodies and headers out of
// them (templates); recipes are templates for well-known services. Expressions
// are checked and tried when they are saved (Check), and bounded in size, in
// estimated and in actual cost: each call is paid for by the sizes of what it
// is given before it is made. What one of them cannot give is an error that
// names its place, and no value of the event or the endpoint.
//
// It may import transport and the standard library; CEL has its only door here.
package payload
