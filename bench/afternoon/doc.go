// Package afternoon is a sender of webhooks as a good Go programmer writes it
// in an afternoon: a JetStream pull consumer, 64 workers, net/http with a sane
// transport, an HMAC, an acknowledgement. It is what Postrider is compared with
// in `postrider bench delivery`, and gives every event to whoever wants it.
//
// It has no journal (an event of which one delivery failed is delivered again to
// everybody), no isolation (a receiver that hangs takes workers from all), no
// schedule of retries, no breaker, no delivery log, no limits. It may import
// nats.go alone, and nothing of Postrider's.
package afternoon
