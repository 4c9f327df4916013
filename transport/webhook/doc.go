// Package webhook sends events to endpoints by HTTP: one attempt at a time,
// signed, timed, its answer classified once.
//
// It promises: a Send always ends, at the latest at the endpoint's time limit,
// and always in a class; it never panics. The address dialled is the address
// checked. Certificates are verified, redirects not followed, at most 64 KiB
// of an answer read. A request of which a byte was written is never written
// again behind the caller's back: repeats are the caller's, and counted. What a
// receiver says beyond an answer is never taken for the next one. No
// secret, header value, URL path or query reaches an Answer.
//
// Connections are kept in one pool for all endpoints; those with a CA or a
// client certificate of their own share one per such setting. Nothing bounds
// or queues sends here, so an endpoint that hangs occupies nothing that others
// need; how many run at once is for the caller to say.
//
// It may import transport, transport/payload, transport/signature and the
// standard library.
package webhook
