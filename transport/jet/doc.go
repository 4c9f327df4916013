// Package jet is the connection to NATS JetStream, embedded in this process or on
// a server elsewhere, and what the rooms below it share.
//
// Each room owns a stream or buckets, for one Shard: eventlog, deferred, journal,
// deadletters, memory, registry, runs; producers is the way of what comes by the
// listener, by the gate; admin looks after a server beside a node, and whoever
// publishes imports publisher. Rooms stand on this package and import none of
// each other; cmd/postrider/store puts them together. wire is the form of what
// Postrider writes for itself.
//
// Here are the server, reconnecting, the listener for producers, names of
// streams and headers, reading from a stream's leader, pulling a durable
// consumer, messages that are tried until they are stored, payloads over the
// message limit, and the vault.
//
// What was said to be stored is on disk as Options.SyncInterval says. Producers
// on the listener can publish events and detections and touch nothing else.
// Where NATS is away, calls fail with an error that wraps transport.
// ErrUnavailable, and the connection comes back by itself. A change that somebody
// waits for (Changes) fails at once then, and is not made later; where its answer
// is lost, the error is transport.ErrUnknown.
//
// It is, with the rooms, the one door to nats.go, nats-server and jetstreamext.
// Besides those it may import transport, gate and publisher alone.
package jet
