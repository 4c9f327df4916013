// Package registry is what people have set up: customers, endpoints, alerts, and
// what belongs to them, each in a bucket of its own.
//
// Registry and Alerts hold their buckets in memory; every change takes effect by
// coming back through the watch, on every node alike. Secrets, header values and
// URLs are sealed with the master key at rest. A change that somebody waits for
// fails at once where NATS is away, and is not made later.
// It imports transport/jet and matching, and no other room.
package registry
