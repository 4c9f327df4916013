// Package publisher is how Go programs publish events to Postrider over NATS.
//
//	p, err := publisher.Connect("nats://127.0.0.1:4222", publisher.Options{})
//	err = p.Publish(ctx, publisher.Event{Customer: "acme", Type: "access.granted", Data: data})
//
// It promises that what Publish returned nil for is stored as safely as the
// server is set to store (by default: synced to disk), and that many goroutines
// publishing at once share the cost of it: their events go in atomic batches
// where the server takes those, and where it does not (a node with an embedded
// server, which stores together what comes together) each by itself. Any other
// NATS client will do as well; this one checks before it sends.
//
// It imports nats.go, jetstreamext, and of Postrider transport and groupcommit, and no
// server.
package publisher
