// Package jet keeps everything Postrider keeps: in NATS JetStream, embedded in
// this process or on a server elsewhere.
//
// It holds the log (EVENTS), what waits (DEFERRED), the journal (ATTEMPTS),
// dead letters, what endpoints must remember (MEMORY), and the registry of
// customers and endpoints with their sealed secrets. What waits is counted and
// chosen by its subjects alone; it comes back at its time by the node's clock,
// whatever the server's says, or when it is recalled, and shows by its
// segment's name where it comes twice.
//
// The package promises that what it said is stored is on disk as Options.Sync-
// Interval says, that what comes back may come more than once and never less,
// and that producers on the listener can publish events and detections and
// touch nothing else. Where NATS is away, calls fail with an error that wraps
// transport.ErrUnavailable, and the connection comes back by itself. A change
// that somebody waits for fails at once then, and is not made later; where its
// answer is lost, the error is transport.ErrUnknown.
//
// Beside a node it examines a server or folder (Examine), makes its streams
// ahead (Setup), and backs up and restores what a stopped node keeps.
//
// It is the one door to nats.go, nats-server and jetstreamext (its subpackages
// publisher, which producers import, and gate, which answers producers, share the
// first and the last). Besides those it may import transport and these alone.
package jet
