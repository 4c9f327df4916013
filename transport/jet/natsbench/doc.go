// Package natsbench is what the bench needs of NATS: a producer with as little
// of a client's own cost as can be, a consumer, and a JetStream server with nothing of
// Postrider's, to compare with. Nothing else imports it.
package natsbench
