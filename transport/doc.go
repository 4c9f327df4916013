// Package transport holds the words of the trade: events, endpoints, leases'
// outcomes, attempts, parked entries and the errors about them.
//
// It promises plain data and pure functions: nothing here reads a clock, a
// file or a network, and no secret is printed by any String or error. The
// adapters beside it (transport/jet, transport/webhook, …) speak in these
// words and do not know each other.
//
// It may import the standard library alone.
package transport
